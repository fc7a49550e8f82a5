"""Tasks of a worker. Every error becomes the reason of a failure, with its traceback in the run's log.

Modules that need TensorFlow are imported where they are used: a run of a trivial row does not need it.
"""

import os
import platform
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.worker.assignment import Assignment, Task
from benchmarks.worker.events import Events
from benchmarks.worker.external_scores import write_trivial_external
from benchmarks.worker.run_context import RunContext, open_run
from pneumo_tf.errors import UserError
from pneumo_tf.failures import RunFailure, failure_of
from pneumo_tf.predictions import Predictions
from pneumo_tf.run_folder import RunFolder

Work = Callable[[RunFolder, Assignment, Events], None]


def execute_task(folder: RunFolder, assignment: Assignment, send: Events) -> str:
    """Execute the task of an assignment; return the reason if it failed, otherwise ""."""
    return TASKS[assignment.task](folder, assignment, send)


def make_run(folder: RunFolder, assignment: Assignment, send: Events) -> str:
    """Make a run and record how it ended."""
    folder.work.mkdir(parents=True, exist_ok=True)
    folder.set_status("running", pid=os.getpid())
    failure = attempt(do_run, folder, assignment, send)
    # A run that has its predictions is done, even if a later stage fails.
    if failure and folder.state != "done":
        folder.fail(failure)
    return failure.reason if failure else ""


def add_scores(folder: RunFolder, assignment: Assignment, send: Events) -> str:
    """Add predictions to a finished run; if that fails, the run stays done."""
    variants = ", ".join(assignment.variants)
    lacking = [f"with {variants}"] if variants else []
    lacking += [f"on {root}" for root in assignment.external.values()]
    return _add(do_scores, f"not scored {' and '.join(lacking)}", folder, assignment, send)


def explain_again(folder: RunFolder, assignment: Assignment, send: Events) -> str:
    """Add explanations to a finished run; if that fails, the run stays done."""
    return _add(do_explanations, "not explained", folder, assignment, send)


def localise(folder: RunFolder, assignment: Assignment, send: Events) -> str:
    """Measure the maps of a finished run on external films; if that fails, the run stays done."""
    lacking = f"maps not measured on {' and '.join(assignment.external.values())}"
    return _add(do_external_maps, lacking, folder, assignment, send)


TASKS: dict[Task, Callable[[RunFolder, Assignment, Events], str]] = {
    "run": make_run,
    "score": add_scores,
    "explain": explain_again,
    "localise": localise,
}


def attempt(work: Work, folder: RunFolder, assignment: Assignment, send: Events) -> RunFailure | None:
    """Call `work`; return its failure, None if it succeeded."""
    try:
        work(folder, assignment, send)
    # Every error of a run must become a row with a reason.
    except Exception as error:
        if not isinstance(error, UserError):
            traceback.print_exc()
        return failure_of(error)
    return None


def _add(work: Work, lacking: str, folder: RunFolder, assignment: Assignment, send: Events) -> str:
    failure = attempt(work, folder, assignment, send)
    if not failure:
        return ""
    send("note", text=f"{lacking}: {failure.reason}")
    return failure.reason


def do_run(folder: RunFolder, assignment: Assignment, send: Events) -> None:
    """Train or fit the model of a run, predict, explain, and write all results."""
    run = open_run(folder, assignment, send)
    if run.spec.recipe.phases:
        _do_network(run)
    else:
        _do_trivial(run)


def do_scores(folder: RunFolder, assignment: Assignment, send: Events) -> None:
    """Add the scoring variants and the external films of the assignment to a finished run."""
    run = open_run(folder, assignment, send)
    if not run.spec.recipe.phases:
        write_trivial_external(run)
        return
    with run.clock.stage("start"):
        from benchmarks.worker.scoring import write_scores
    write_scores(run)


def do_explanations(folder: RunFolder, assignment: Assignment, send: Events) -> None:
    """Explain a finished run again from its model."""
    run = open_run(folder, assignment, send)
    with run.clock.stage("start"):
        from benchmarks.worker.finished_run import load_finished
        from benchmarks.worker.late_stages import add_late_stages
    model, predict = load_finished(run)
    with run.clock.stage("decode"):
        _ = run.pixels, run.sources
    add_late_stages(run, model, predict, folder.read_predictions("test"))


def do_external_maps(folder: RunFolder, assignment: Assignment, send: Events) -> None:
    """Measure the maps of a finished run on the external films of the assignment."""
    run = open_run(folder, assignment, send)
    with run.clock.stage("start"):
        from benchmarks.worker.external_maps import write_external_maps
    write_external_maps(run)


def _do_network(run: RunContext) -> None:
    with run.clock.stage("start"):
        from benchmarks.worker.late_stages import add_late_stages
        from benchmarks.worker.training_run import run_network
    network = run_network(run)
    _write_results(run, network.outputs, network.costs, network.environment)
    run.folder.set_status("done")
    test = Predictions(run.split.test, network.outputs["test"])
    add_late_stages(run, network.model, network.predict, test)
    _write_costs(run, run.folder.read_json("costs.json"))


def _do_trivial(run: RunContext) -> None:
    with run.clock.stage("start"):
        from pneumo_tf.models.trivial import fit_trivial
    films, cache = run.dataset.films, Path(run.assignment.cache)
    with run.clock.stage("train"):
        train = films.indices(run.split.train)
        (logits,) = fit_trivial(run.spec.recipe.architecture, run.dataset, cache, train)
    outputs = {name: logits[films.indices(ids)] for name, ids in run.split.scored.items()}
    _write_results(run, outputs, {"train_films": len(run.split.train)}, {})
    run.folder.set_status("done")


def _write_results(
    run: RunContext, outputs: Mapping[str, np.ndarray], costs: dict[str, Any], environment: dict[str, Any]
) -> None:
    """Write predictions, costs and environment of a run."""
    for name, logits in outputs.items():
        ids = run.split.scored[name.partition("@")[0]]
        run.folder.write_predictions(name, Predictions(ids, logits))
    _write_costs(run, costs)
    on_cpu = run.assignment.gpu and not run.spec.recipe.phases
    about = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "device": "CPU" if on_cpu else run.assignment.device,
        "precision": run.spec.precision,
        "notes": run.notes,
    }
    run.folder.write_json("environment.json", about | environment)


def _write_costs(run: RunContext, costs: dict[str, Any]) -> None:
    """Write costs, with the seconds of all stages so far and the peak of host memory."""
    # Linux reports kilobytes, macOS bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    seconds = {**run.clock.seconds, "total": sum(run.clock.seconds.values())}
    run.folder.write_json("costs.json", {**costs, "seconds": seconds, "peak_host_mb": peak})
