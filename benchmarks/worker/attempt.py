"""A run from films to results: data, training or fit, scoring, explanation.

What needs TensorFlow is imported where a run needs it: a run of a trivial row goes without.
"""

import os
import platform
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.worker.assignment import Assignment, Clock, Tell
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.data.protocols.registry import PROTOCOLS, check_sides, limit
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.errors import UserError
from pneumo_tf.failures import RunFailure, failure_of
from pneumo_tf.predictions import Predictions
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs

Work = Callable[[RunFolder, Assignment, Tell], None]


def make_run(folder: RunFolder, assignment: Assignment, tell: Tell) -> str:
    """Do a run and record how it ended; return the reason if it failed, "" if not."""
    folder.work.mkdir(parents=True, exist_ok=True)
    folder.set_status("running", pid=os.getpid())
    failure = attempt(do_run, folder, assignment, tell)
    if failure:
        folder.fail(failure)
        return failure.reason
    folder.set_status("done")
    return ""


def add_conditions(folder: RunFolder, assignment: Assignment, tell: Tell) -> str:
    """Score a finished run under conditions; if that fails it is reported, and the run stays done."""
    failure = attempt(do_conditions, folder, assignment, tell)
    if not failure:
        return ""
    tell("note", text=f"not scored under {', '.join(assignment.conditions)}: {failure.reason}")
    return failure.reason


def attempt(do: Work, folder: RunFolder, assignment: Assignment, tell: Tell) -> RunFailure | None:
    """Do the work of a worker; return how it failed, None if it did not."""
    try:
        do(folder, assignment, tell)
    # Whatever goes wrong in a run must become a row with a reason; the traceback is in the log.
    except Exception as error:
        if not isinstance(error, UserError):
            traceback.print_exc()
        return failure_of(error)
    return None


def do_run(folder: RunFolder, assignment: Assignment, tell: Tell) -> None:
    """Trains or fits, scores, explains, and writes every result of a run but its state."""
    clock, spec = Clock(tell, since=assignment.sent), folder.spec
    with clock.stage("data"):
        dataset, split = _read_films(folder, assignment)
    environment = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "device": "CPU" if assignment.gpu and not spec.recipe.phases else assignment.device,
        "precision": spec.precision,
        "notes": list(assignment.notes),
    }
    if spec.recipe.phases:
        with clock.stage("start"):
            from benchmarks.worker.training_run import trained_logits
        outputs, costs = trained_logits(folder, assignment, dataset, split, clock, tell, environment)
    else:
        with clock.stage("start"):
            from pneumo_tf.models.trivial import fit_trivial
        with clock.stage("train"):
            train = dataset.films.indices(split.train)
            logits = fit_trivial(spec.recipe.architecture, dataset, Path(assignment.cache), train)
        outputs = {name: logits[dataset.films.indices(ids)] for name, ids in split.scored.items()}
        costs = {"train_films": len(split.train)}
    for name, logits in outputs.items():
        folder.write_predictions(name, Predictions(split.scored[name.partition("@")[0]], logits))
    clock.seconds["total"] = sum(clock.seconds.values())
    # Linux counts kilobytes, macOS bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    folder.write_json("costs.json", {"seconds": clock.seconds, "peak_host_mb": peak, **costs})
    folder.write_json("environment.json", environment)


def do_conditions(folder: RunFolder, assignment: Assignment, tell: Tell) -> None:
    """Adds the predictions of a finished run under the conditions of the assignment."""
    clock = Clock(tell, since=assignment.sent)
    with clock.stage("data"):
        dataset, split = _read_films(folder, assignment)
    with clock.stage("start"):
        from benchmarks.worker.rescoring import score_conditions
    score_conditions(folder, assignment, dataset, split.test, clock)


def _read_films(folder: RunFolder, assignment: Assignment) -> tuple[Dataset, Split]:
    spec = folder.spec
    dataset = Runs(folder.path.parent).read_films(spec.dataset, root=Path(assignment.data))
    return dataset, read_split(spec, dataset)


def read_split(spec: RunSpec, dataset: Dataset) -> Split:
    """Gives the split of a run: as its protocol makes it, cut to the run's training films."""
    protocol = PROTOCOLS[spec.protocol]
    split = protocol.split(dataset.films, spec.fold)
    check_sides(protocol, split)
    return limit(split, dataset.films, spec.train_films) if spec.train_films else split
