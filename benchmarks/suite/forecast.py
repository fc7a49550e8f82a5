"""Forecast of a suite: hours, downloads and disk, estimated before anything runs."""

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.suite.plan import Job
from pneumo_tf.costs.hardware import Gpu, cores
from pneumo_tf.costs.peak_flops import peak_flops
from pneumo_tf.errors import UserError
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Recipe
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import HARNESS_VERSION, RunSpec
from pneumo_tf.runs import Runs

CORE_FLOPS = 30e9
"""Operations that a core trains in a second; runs of `outputs/reference` reached 11 to 54 · 10⁹."""

PEAK_SHARE, UNKNOWN_PEAK = 0.1, 20e12
"""Assumed share of a GPU's peak that training reaches, and assumed peak of an unknown card."""

STEP_SECONDS = {False: 0.0, True: 0.02}
"""Least seconds of a step by `on GPU`; kernel launches limit even the fastest card."""

RUN_SECONDS = 40.0
"""Seconds for start, tracing, scoring and explanations of a trained run."""

TRIVIAL_SECONDS = 5.0
VALIDATION_SHARE = 0.15
"""Share of the training films that protocols use for validation."""

CHECKPOINT_COPIES = 3
"""Weights and the two moments of Adam."""


@dataclass(frozen=True)
class Forecast:
    """Forecast of a suite.

    Args:
        hours: Hours with as many runs at a time as there are slots; None if the films are not known yet.
        disk_gb: Models of all runs, decoded films and the largest checkpoint, but not cached features. These
            take at most a quarter of the free disk.
    """

    hours: float | None
    disk_gb: float

    def lines(self) -> list[str]:
        """The forecast as lines of the log."""
        hours = "unknown until the films exist" if self.hours is None else format_hours(self.hours)
        return [
            f"Estimated time: {hours}",
            f"Estimated disk: {self.disk_gb:,.1f} GB; cached features take at most a quarter of the free "
            "disk",
        ]


def forecast(
    jobs: Sequence[Job], films: int | None, gpus: Sequence[Gpu], places: int, runs: Runs
) -> Forecast:
    """Estimate time and disk of jobs.

    Args:
        jobs: Jobs to run.
        films: Films outside of the test set, None if they are not known yet.
        gpus: GPUs to be used; empty for the CPU.
        places: Runs at a time.
        runs: The folder of runs; finished ones of the same recipe replace the estimate.
    """
    measured = measured_seconds(runs)
    seconds = [run_seconds(job.spec, films, gpus, places, measured) for job in jobs]
    known = None if None in seconds else sum(seconds) / places / 3600
    return Forecast(known, _disk_bytes(jobs, films or 0) / 1e9)


def missing_weights(jobs: Iterable[Job]) -> dict[str, float]:
    """Return the architectures whose ImageNet weights are not on this machine, with MB to download."""
    trained = {job.spec.recipe.architecture: job for job in jobs if job.spec.recipe.phases}
    return {
        name: architecture(name).parameters * 4e-6
        for name, job in trained.items()
        if job.weights is None and job.spec.recipe.initial == "imagenet"
    }


def run_seconds(
    spec: RunSpec,
    films: int | None,
    gpus: Sequence[Gpu],
    places: int,
    measured: dict[tuple[str, str, bool], float],
) -> float | None:
    """Estimate the seconds of a run from finished runs of its recipe, else from its operations."""
    if not spec.recipe.phases:
        return TRIVIAL_SECONDS
    if found := measured.get((spec.recipe.name, spec.profile, bool(gpus))):
        return found
    if spec.train_films is None and films is None:
        return None
    trained = spec.train_films or round(films * (1 - VALIDATION_SHARE))
    rate = _gpu_rate(gpus[0], spec.precision) if gpus else CORE_FLOPS * max(1, cores() // places)
    operations = training_operations(spec.recipe, trained) / rate
    steps = sum(phase.epochs for phase in spec.recipe.phases) * math.ceil(trained / spec.recipe.batch)
    return RUN_SECONDS + max(operations, steps * STEP_SECONDS[bool(gpus)])


def training_operations(recipe: Recipe, films: int) -> float:
    """Estimate the operations of a training; a backward pass counts as two forward passes.

    A frozen backbone processes each view of a film once: its features are cached.

    Args:
        recipe: Resolved recipe, with its film size.
        films: Training films.
    """
    passes = 0.0
    for phase in recipe.phases:
        views = min(phase.epochs, recipe.views or phase.epochs) if recipe.augment.active else 1
        passes += views if phase.frozen else 3 * phase.epochs
    return passes * films * architecture(recipe.architecture).flops(recipe.size)


def measured_seconds(runs: Runs) -> dict[tuple[str, str, bool], float]:
    """Return the median seconds of finished runs by recipe, profile and whether they ran on a GPU."""
    seconds: dict[tuple[str, str, bool], list[float]] = {}
    for folder in runs:
        try:
            spec, on = folder.spec, not folder.read_json("environment.json")["device"].startswith("CPU")
            key = spec.recipe.name, spec.profile, on
            total = float(folder.read_json("costs.json")["seconds"]["total"])
        # Skip a run that cannot be read; the report names it.
        except (UserError, KeyError, TypeError, ValueError, AttributeError):
            continue
        seconds.setdefault(key, []).append(total)
    return {key: statistics.median(values) for key, values in seconds.items()}


def older_runs(jobs: Iterable[Job], runs: Runs) -> list[Job]:
    """Return the jobs that have a finished run of an older harness version in this folder."""
    done = {_place(spec) for folder in runs if (spec := _old_spec(folder))}
    return [job for job in jobs if _place(job.spec) in done]


def describe_older_runs(count: int, hours: float | None) -> str:
    """Return what is logged if runs of an older harness will be run again."""
    time = "" if hours is None else f", {format_hours(hours)}"
    return (
        f"{count} of these were run by an older version of the harness; version {HARNESS_VERSION} gives "
        f"other numbers, so they are run again{time}. The board of the older runs stays in the report."
    )


def format_hours(hours: float) -> str:
    """Return hours as `about 3 minutes`, `about 2.5 hours`."""
    if hours < 1:
        minutes = max(1, round(60 * hours))
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"about {hours:,.1f} hours"


def _old_spec(folder: RunFolder) -> RunSpec | None:
    try:
        spec = folder.spec
        return spec if spec.harness < HARNESS_VERSION and folder.state == "done" else None
    except (UserError, KeyError, TypeError, ValueError):
        return None


def _place(spec: RunSpec) -> str:
    """Return what a run has in common with its repetition under another version of the harness."""
    of_films = (spec.protocol, spec.dataset, spec.profile, spec.seed, spec.fold)
    return json.dumps([spec.recipe.name, *of_films, spec.precision, spec.xla])


def _gpu_rate(gpu: Gpu, precision: str) -> float:
    return PEAK_SHARE * (peak_flops(gpu.name, precision) or UNKNOWN_PEAK)


def _disk_bytes(jobs: Iterable[Job], films: int) -> float:
    recipes = [job.spec.recipe for job in jobs if job.spec.recipe.phases]
    models = [architecture(recipe.architecture).parameters * 4 for recipe in recipes]
    decoded = sum(side**2 * films for side in {recipe.size for recipe in recipes})
    return sum(models) + max(models, default=0) * CHECKPOINT_COPIES + decoded
