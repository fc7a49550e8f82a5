"""Planning of a suite: devices, films, weights and the list of runs."""

from dataclasses import dataclass
from functools import cached_property

from benchmarks.command_line import reading_options
from benchmarks.suite.applicable import applicable_recipes
from benchmarks.suite.engines.local import make_slots
from benchmarks.suite.external_sets import read_external_sets
from benchmarks.suite.forecast import Forecast, forecast, older_runs
from benchmarks.suite.initial_weights import InitialWeights
from benchmarks.suite.options import Options
from benchmarks.suite.plan import Job, make_plan
from benchmarks.suite.profile import choose_recipes, resolve_profile, views_lines
from benchmarks.suite.source import Source, find_source, read_source
from benchmarks.suite.terminal import Terminal
from pneumo_tf.costs.hardware import Gpu, gpus
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.errors import UserError
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs

NO_FILMS_YET = "not-yet-drawn"
"""Placeholder for the fingerprint of synthetic films, which a dry run does not generate."""


@dataclass(frozen=True)
class Suite:
    """A planned suite.

    Args:
        options: Options of the command.
        profile: `"full"` or `"quick"`.
        devices: GPUs to use; empty for the CPU.
        source: Source of the films.
        dataset: The films, None if a dry run has none yet.
        jobs: Every run, done or not.
        runs: Folder of the runs.
        external: Sets of external films, for external validation.
    """

    options: Options
    profile: str
    devices: list[Gpu]
    source: Source
    dataset: Dataset | None
    jobs: list[Job]
    runs: Runs
    external: tuple[Dataset, ...] = ()

    @property
    def external_by_fingerprint(self) -> dict[str, Dataset]:
        """Each external set by the fingerprint of its films."""
        return {dataset.films.fingerprint: dataset for dataset in self.external}

    @cached_property
    def todo(self) -> list[Job]:
        """Jobs that still had to be run when this was first read."""
        return choose_jobs(self.jobs, self.runs, self.options)

    def forecast(self, jobs: list[Job]) -> Forecast:
        """Estimate the time and disk space of jobs."""
        films = sum(film.split == "train" for film in self.dataset.films) if self.dataset else None
        places = min(len(make_slots(self.devices, self.options.workers)), max(1, len(jobs)))
        return forecast(jobs, films, self.devices, places, self.runs)

    @cached_property
    def older(self) -> list[Job]:
        """Jobs to run that have a finished run of an older harness version."""
        return older_runs(self.todo, self.runs)


def plan_suite(options: Options, terminal: Terminal) -> Suite:
    """Find devices, films and weights, and list the runs."""
    devices = gpus(terminal.warn)
    if options.xla == "on" and not devices:
        # On a CPU operations must be deterministic, and XLA has no deterministic kernel of max pooling.
        raise UserError("--xla on needs a GPU, and none is used here; leave it out")
    # A run may land on any of the GPUs, so all of them must support the precision.
    first = min(devices, key=lambda gpu: gpu.capability, default=None)
    source = find_source(options.data, reading_options(options))
    profile = resolve_profile(options, first, synthetic=source.dataset.synthetic)
    # Reject unknown names and unsupported sizes before any film is read.
    recipes = choose_recipes(options, profile)
    source.dataset.check_protocol(options.protocol)
    for note in source.notes:
        terminal.warn(note)
    dataset = _read_films(options, source, terminal)
    recipes = applicable_recipes(recipes, dataset, terminal)
    external = read_external_sets(options, dataset, terminal)
    weights = InitialWeights(
        options.weights,
        required=profile == "full" and not source.dataset.synthetic,
        synthetic=source.dataset.synthetic,
        dry_run=options.dry_run,
        progress=terminal.progress("downloading weights, bytes"),
    )
    fingerprint = dataset.films.fingerprint if dataset else NO_FILMS_YET
    jobs = make_plan(recipes, options, profile, fingerprint, weights=weights, gpu=first)
    for line in [*weights.lines, *views_lines(recipes)]:
        terminal.warn(line)
    return Suite(options, profile, devices, source, dataset, jobs, Runs(options.runs), external)


def choose_jobs(jobs: list[Job], runs: Runs, options: Options) -> list[Job]:
    """Return the jobs that can start and are not done; failed ones only with --retry-failed."""
    runnable = [job for job in jobs if not job.failure]
    return [job for job in runnable if options.fresh or _is_open(runs.folder(job.spec), options)]


def _is_open(folder: RunFolder, options: Options) -> bool:
    """Return whether a run has to be made; with --retry-failed this includes failed and damaged ones."""
    if folder.state == "done":
        return options.retry_failed and bool(folder.damage())
    return options.retry_failed or folder.state != "failed" or _lacked_weights(folder)


def _lacked_weights(folder: RunFolder) -> bool:
    """Return whether a run never started because its weights were missing; each call looks for them again."""
    return folder.status.get("kind") == "weights-missing"


def _read_films(options: Options, source: Source, terminal: Terminal) -> Dataset | None:
    if options.dry_run and not source.ready:
        return None
    # A dry run leaves nothing behind, not even the index of the films.
    cache = None if options.dry_run else options.cache
    dataset, differences = read_source(source, cache, options.sizes, terminal.progress)
    if differences:
        terminal.warn(f"The films differ from the published set: {'; '.join(differences)}")
    for note in dataset.notes:
        terminal.warn(note)
    return dataset
