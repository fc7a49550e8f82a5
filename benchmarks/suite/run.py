"""A suite from films to report: what `run_all` does once its options are read."""

from benchmarks.suite.engines.local import LocalEngine, make_slots
from benchmarks.suite.forecast import (
    Forecast,
    forecast,
    format_hours,
    missing_weights,
    older_runs,
    older_runs_line,
)
from benchmarks.suite.gpu_probe import require_usable
from benchmarks.suite.options import Options
from benchmarks.suite.plan import Job, chosen_recipes, make_plan, profile_of
from benchmarks.suite.source import Source, find_source, read_source
from benchmarks.suite.terminal import RunsShown, Terminal
from benchmarks.suite.views_and_dropout import lacking, notes, scoring_jobs, to_score, why_not
from pneumo_tf.costs.hardware import Gpu, gpus
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.errors import UserError
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs

UNREAD = "not-yet-drawn"


def run_suite(options: Options) -> bool:
    """Plans, runs and reports.

    Args:
        options: The user's.

    Returns:
        Whether a run of the plan has failed, or could not be scored under a condition asked for.
    """
    terminal = Terminal()
    devices = gpus(lambda line: terminal.say(line, loud=True))
    if options.xla and not devices:
        # Operations are deterministic on a CPU, and max pooling has no such kernel under XLA.
        raise UserError("--xla needs a GPU, and none is used here; leave it out")
    # Several GPUs take runs as they come: all of them must know the precision.
    first = min(devices, key=lambda gpu: gpu.capability, default=None)
    source = find_source(options.data)
    base = profile_of(options, first, synthetic=source.dataset.synthetic)
    # Unknown names and sizes that a recipe cannot take are refused before any film is read.
    chosen_recipes(options, base)
    source.dataset.check_protocol(options.protocol)
    for note in source.notes:
        terminal.say(note, loud=True)
    dataset = _films(options, source, terminal)
    jobs = make_plan(
        options,
        dataset.films.fingerprint if dataset else UNREAD,
        synthetic=source.dataset.synthetic,
        gpu=first,
        say=lambda line: terminal.say(line, loud=True),
        progress=terminal.progress("downloading weights, bytes"),
    )
    runs = Runs(options.runs)
    todo = choose_jobs(jobs, runs, options)
    _introduce(options, base, devices, jobs, todo, runs, terminal)
    ahead = _forecast(todo, dataset, devices, runs, options)
    if older := older_runs(todo, runs):
        hours = _forecast(older, dataset, devices, runs, options).hours
        terminal.say(older_runs_line(len(older), hours), loud=True)
    if options.dry_run:
        # Nothing is downloaded for synthetic films.
        downloads = {} if source.dataset.synthetic else missing_weights(todo)
        _show_plan(jobs, todo, runs, options)
        _show_forecast(ahead, downloads, options)
        return False
    if todo and ahead.hours:
        terminal.say(f"estimated time: {format_hours(ahead.hours)}")
    folders = _make_folders(runs, dataset, jobs, todo, options)
    _work(todo, folders, dataset, devices, options, terminal)
    # What was trained just now or long ago is scored in the same way: from its saved model.
    again = scoring_jobs(jobs, runs, options)
    if again:
        terminal.say(f"scoring again from their models: {len(again)} of the finished runs")
    _work(again, folders, dataset, devices, options, terminal)
    return _report(jobs, runs, options, terminal)


def choose_jobs(jobs: list[Job], runs: Runs, options: Options) -> list[Job]:
    """Leaves out what cannot be run, what is done, and what has failed unless it is to be tried again."""
    runnable = [job for job in jobs if not job.failure]
    return [job for job in runnable if options.fresh or _is_open(runs.folder(job.spec), options)]


def _is_open(folder: RunFolder, options: Options) -> bool:
    """Whether a run is still to be done; with --retry-failed one that failed or is damaged is, too."""
    if folder.state == "done":
        return options.retry_failed and bool(folder.damage())
    return options.retry_failed or folder.state != "failed" or _lacked_weights(folder)


def _lacked_weights(folder: RunFolder) -> bool:
    """Whether a run was never begun, because its weights could not be had: each call asks for them again."""
    return folder.status.get("kind") == "weights-missing"


def _work(
    jobs: list[Job],
    folders: dict[str, RunFolder],
    dataset: Dataset,
    devices: list[Gpu],
    options: Options,
    terminal: Terminal,
) -> None:
    if not jobs:
        return
    if devices:
        require_usable(devices)
    with RunsShown(terminal, len(jobs)) as shown:
        engine = LocalEngine(
            make_slots(devices, options.workers),
            data=dataset.root,
            cache=options.cache.resolve(),
            watcher=shown,
        )
        engine.do([(job, folders[job.spec.id]) for job in jobs])


def _films(options: Options, source: Source, terminal: Terminal) -> Dataset | None:
    if options.dry_run and not source.ready:
        return None
    # A dry run leaves nothing behind, not even the index of the films.
    cache = None if options.dry_run else options.cache
    dataset, differences = read_source(source, cache, options.sizes, terminal.progress)
    for difference in differences:
        terminal.say(f"The films differ from the published set: {difference}", loud=True)
    return dataset


def _forecast(
    jobs: list[Job], dataset: Dataset | None, devices: list[Gpu], runs: Runs, options: Options
) -> Forecast:
    films = sum(film.split == "train" for film in dataset.films) if dataset else None
    return forecast(jobs, films, devices, len(make_slots(devices, options.workers)), runs)


def _introduce(
    options: Options,
    base: str,
    devices: list[Gpu],
    jobs: list[Job],
    todo: list[Job],
    runs: Runs,
    terminal: Terminal,
) -> None:
    where = ", ".join(gpu.name for gpu in devices) or "CPU, no NVIDIA GPU"
    asked = "" if options.profile != "auto" else ", chosen by device and films (full: real films on a GPU)"
    terminal.say(f"{where}; profile {base}{asked}; protocol {options.protocol}")
    done = sum(runs.state(job.spec) == "done" for job in jobs if job not in todo)
    without = sum(job.failure is not None for job in jobs)
    failed = len(jobs) - len(todo) - done - without
    lacking_weights = f", {without} fail without their initial weights" if without else ""
    skipped = f", {failed} failed before (--retry-failed runs them again)" if failed else ""
    again = to_score(jobs, todo, runs, options)
    scored = f", {again} to score again from their models" if again else ""
    before = f"{len(jobs)} runs, {done} of them finished before{skipped}{lacking_weights}"
    terminal.say(f"{before}, {len(todo)} to do{scored}")
    for line in notes({job.spec.recipe.name: job.spec.recipe for job in jobs}.values(), options):
        terminal.say(line, loud=True)


def _show_plan(jobs: list[Job], todo: list[Job], runs: Runs, options: Options) -> None:
    width = max(len(job.spec.id) for job in jobs)
    for job in jobs:
        recipe, state = job.spec.recipe, runs.state(job.spec) or "planned"
        if job not in todo and lacking(job, runs, options):
            state = "to score" if runs.folder(job.spec).model.exists() else "no model"
        detail = (
            f"{recipe.size} px, {sum(p.epochs for p in recipe.phases)} epochs"
            if recipe.phases
            else "no network"
        )
        print(f"  {job.spec.id:{width}}  {state:11}  {detail}, {job.spec.weights}, {job.memory_mb:,.0f} MB")


def _show_forecast(ahead: Forecast, downloads: dict[str, float], options: Options) -> None:
    weights = ", ".join(f"{name} ({mb:,.0f} MB)" for name, mb in downloads.items())
    print(*ahead.lines(), f"Downloads of ImageNet weights: {weights or 'none'}", sep="\n")
    print(f"Nothing was run. Without --dry-run, runs and report go to {options.out}.")


def _make_folders(
    runs: Runs, dataset: Dataset, jobs: list[Job], todo: list[Job], options: Options
) -> dict[str, RunFolder]:
    """Plans every run on disk, with what its predictions will be joined to."""
    runs.write_films(dataset)
    folders = {job.spec.id: runs.plan(job.spec) for job in jobs}
    for job in todo:
        # An interrupted run keeps its checkpoint: it goes on from there.
        if options.fresh or folders[job.spec.id].state in ("done", "failed"):
            folders[job.spec.id].clear()
    for job in jobs:
        if job.failure:
            folders[job.spec.id].fail(job.failure)
    return folders


def _report(jobs: list[Job], runs: Runs, options: Options, terminal: Terminal) -> bool:
    from benchmarks.report import write_report

    folders = [runs.folder(job.spec) for job in jobs]
    failed = [folder for folder in folders if folder.state == "failed"]
    unscored = [line for job in jobs if (line := why_not(job, runs, options))]
    leaderboard = write_report(options.runs, options.report)
    terminal.say(f"leaderboard: {leaderboard}")
    for folder in failed:
        log = f" ({folder.log})" if folder.log.exists() else ""
        terminal.say(f"failed: {folder.spec.id}: {folder.status['reason']}{log}", loud=True)
    if failed:
        again = "" if all(map(_lacked_weights, failed)) else "; --retry-failed runs them again"
        terminal.say(f"{len(failed)} of {len(folders)} runs failed{again}", loud=True)
    for line in unscored:
        terminal.say(line, loud=True)
    return bool(failed or unscored)
