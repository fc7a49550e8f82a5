"""Execution of a suite: plan, runs, additions and report."""

from benchmarks.suite.additions import hint_missing_explanations, list_addition_jobs, list_missing_additions
from benchmarks.suite.engines.local import LocalEngine, make_slots
from benchmarks.suite.gpu_probe import require_usable_gpus
from benchmarks.suite.messages import log_overview, print_plan
from benchmarks.suite.options import Options
from benchmarks.suite.plan import Job
from benchmarks.suite.planning import Suite, plan_suite
from benchmarks.suite.terminal import RunsShown, Terminal
from pneumo_tf.data.film_faults import describe_faults, read_faults
from pneumo_tf.run_folder import RunFolder


def run_suite(options: Options) -> bool:
    """Plan, run and report.

    Args:
        options: Options of the command.

    Returns:
        Whether a run of the plan has failed, or lacks results that the options request.
    """
    terminal = Terminal()
    suite = plan_suite(options, terminal)
    log_overview(suite, terminal)
    if options.dry_run:
        print_plan(suite)
        return False
    folders = make_folders(suite)
    _do(suite.todo, folders, suite, terminal)
    # New runs are extended like older ones, from their saved models.
    additions = list_addition_jobs(suite.jobs, suite.runs, options, suite.external_by_fingerprint)
    if additions:
        terminal.log(f"adding results to finished runs from their saved models: {len(additions)}")
    _do(additions, folders, suite, terminal)
    if faults := read_faults(options.cache, suite.dataset):
        terminal.warn(describe_faults(faults, len(suite.dataset.films)))
    return _report(suite, terminal)


def make_folders(suite: Suite) -> dict[str, RunFolder]:
    """Create a folder for every run, and store the film table that its predictions refer to."""
    todo = suite.todo
    for dataset in (suite.dataset, *suite.external):
        suite.runs.write_films(dataset)
    folders = {job.spec.id: suite.runs.plan(job.spec) for job in suite.jobs}
    for folder in (folders[job.spec.id] for job in todo):
        if suite.options.fresh or folder.state == "done":
            folder.clear()
        elif folder.state == "failed":
            folder.prepare_retry()
    for job in suite.jobs:
        if job.failure:
            folders[job.spec.id].fail(job.failure)
    return folders


def _do(jobs: list[Job], folders: dict[str, RunFolder], suite: Suite, terminal: Terminal) -> None:
    """Run jobs on the local engine."""
    if not jobs:
        return
    if suite.devices:
        require_usable_gpus(suite.devices)
    with RunsShown(terminal, len(jobs)) as shown:
        engine = LocalEngine(
            make_slots(suite.devices, suite.options.workers),
            data=suite.dataset.root,
            cache=suite.options.cache.resolve(),
            watcher=shown,
            share_cores=suite.options.workers is None,
            external={key: dataset.root for key, dataset in suite.external_by_fingerprint.items()},
        )
        engine.run([(job, folders[job.spec.id]) for job in jobs])


def _report(suite: Suite, terminal: Terminal) -> bool:
    """Write the report; log failed runs and missing results, and return whether there are any."""
    from benchmarks.report import write_report

    options, runs = suite.options, suite.runs
    failed = [job for job in suite.jobs if runs.state(job.spec) == "failed"]
    lacking = list_missing_additions(suite.jobs, runs, options, suite.external_by_fingerprint)
    leaderboard = write_report(options.runs, options.report)
    terminal.log(f"leaderboard: {leaderboard}")
    # Reasons of runs that were tried in this call are already logged.
    for folder in (runs.folder(job.spec) for job in failed if job not in suite.todo):
        log = f" ({folder.log})" if folder.log.exists() else ""
        terminal.warn(f"failed: {folder.spec.id}: {folder.status['reason']}{log}")
    if failed:
        again = "" if all(job.failure for job in failed) else "; --retry-failed runs them again"
        terminal.warn(f"{len(failed)} of {len(suite.jobs)} runs failed{again}")
    for line in filter(None, [*lacking, hint_missing_explanations(suite.jobs, runs, options)]):
        terminal.warn(line)
    return bool(failed or lacking)
