"""A suite before it runs: devices, films, weights and the list of its runs."""

from dataclasses import dataclass
from functools import cached_property

from benchmarks.command_line import reading_options
from benchmarks.suite.engines.local import make_slots
from benchmarks.suite.forecast import Forecast, forecast, older_runs
from benchmarks.suite.initial_weights import InitialWeights
from benchmarks.suite.options import Options
from benchmarks.suite.plan import Job, make_plan
from benchmarks.suite.profile import choose_recipes, profile_of, views_lines
from benchmarks.suite.source import Source, find_source, read_source
from benchmarks.suite.terminal import Terminal
from pneumo_tf.costs.hardware import Gpu, gpus
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.errors import UserError
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs

NO_FILMS_YET = "not-yet-drawn"
"""Placeholder for the fingerprint of films that a dry run does not draw."""


@dataclass(frozen=True)
class Suite:
    """A suite that is planned.

    Args:
        options: Options of the command.
        profile: `"full"` or `"quick"`.
        devices: GPUs to be used; none for the CPU.
        source: Where the films are from.
        dataset: The films, None if a dry run has none yet.
        jobs: Every run, done or not.
        runs: Folder of the runs.
    """

    options: Options
    profile: str
    devices: list[Gpu]
    source: Source
    dataset: Dataset | None
    jobs: list[Job]
    runs: Runs

    @cached_property
    def todo(self) -> list[Job]:
        """Jobs whose runs were to be done when this was first read."""
        return choose_jobs(self.jobs, self.runs, self.options)

    def forecast(self, jobs: list[Job]) -> Forecast:
        """Estimate hours and disk of some jobs."""
        films = sum(film.split == "train" for film in self.dataset.films) if self.dataset else None
        places = min(len(make_slots(self.devices, self.options.workers)), max(1, len(jobs)))
        return forecast(jobs, films, self.devices, places, self.runs)

    @cached_property
    def older(self) -> list[Job]:
        """Jobs to do whose run an older version of the harness has done."""
        return older_runs(self.todo, self.runs)


def plan_suite(options: Options, terminal: Terminal) -> Suite:
    """Find devices, films and weights, and list the runs."""
    devices = gpus(terminal.warn)
    if options.xla and not devices:
        # Operations are deterministic on a CPU, and max pooling has no such kernel under XLA.
        raise UserError("--xla needs a GPU, and none is used here; leave it out")
    # Several GPUs take runs as they come: all of them must know the precision.
    first = min(devices, key=lambda gpu: gpu.capability, default=None)
    source = find_source(options.data, reading_options(options))
    profile = profile_of(options, first, synthetic=source.dataset.synthetic)
    # Unknown names and sizes that a recipe cannot take are refused before any film is read.
    recipes = choose_recipes(options, profile)
    source.dataset.check_protocol(options.protocol)
    for note in source.notes:
        terminal.warn(note)
    dataset = _read_films(options, source, terminal)
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
    return Suite(options, profile, devices, source, dataset, jobs, Runs(options.runs))


def choose_jobs(jobs: list[Job], runs: Runs, options: Options) -> list[Job]:
    """Leave out what cannot be run, what is done, and what has failed unless it is to be tried again."""
    runnable = [job for job in jobs if not job.failure]
    return [job for job in runnable if options.fresh or _is_open(runs.folder(job.spec), options)]


def _is_open(folder: RunFolder, options: Options) -> bool:
    """Return whether a run is to be done; with --retry-failed also one that failed or is damaged."""
    if folder.state == "done":
        return options.retry_failed and bool(folder.damage())
    return options.retry_failed or folder.state != "failed" or _lacked_weights(folder)


def _lacked_weights(folder: RunFolder) -> bool:
    """Return whether a run did not start because its weights were missing: each call looks for them again."""
    return folder.status.get("kind") == "weights-missing"


def _read_films(options: Options, source: Source, terminal: Terminal) -> Dataset | None:
    if options.dry_run and not source.ready:
        return None
    # A dry run leaves nothing behind, not even the index of the films.
    cache = None if options.dry_run else options.cache
    dataset, differences = read_source(source, cache, options.sizes, terminal.progress)
    for difference in differences:
        terminal.warn(f"The films differ from the published set: {difference}")
    for note in dataset.notes:
        terminal.warn(note)
    return dataset
