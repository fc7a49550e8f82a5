"""Lines that `run_all` logs before it starts: device, profile, runs, time; and the plan of a dry run."""

from benchmarks.suite.additions import (
    count_additions,
    describe_variant_options,
    missing_external_maps,
    missing_external_scores,
    missing_variants,
)
from benchmarks.suite.forecast import describe_older_runs, format_hours, missing_weights
from benchmarks.suite.plan import Job
from benchmarks.suite.planning import Suite
from benchmarks.suite.terminal import Terminal


def log_overview(suite: Suite, terminal: Terminal) -> None:
    """Log device and profile, how many runs are done and to do, and the estimated time."""
    options, jobs, todo, runs = suite.options, suite.jobs, suite.todo, suite.runs
    where = ", ".join(gpu.name for gpu in suite.devices) or "CPU, no NVIDIA GPU"
    chosen = "" if options.profile != "auto" else ", chosen automatically (full needs real films and a GPU)"
    terminal.log(f"{where}; profile {suite.profile}{chosen}; protocol {options.protocol}")
    done = sum(runs.state(job.spec) == "done" for job in jobs if job not in todo)
    without = sum(job.failure is not None for job in jobs)
    failed = len(jobs) - len(todo) - done - without
    lacking = f", {without} cannot start because their initial weights are missing" if without else ""
    skipped = f", {failed} failed before (--retry-failed runs them again)" if failed else ""
    additions = count_additions(jobs, todo, runs, options, suite.external_by_fingerprint)
    added = f", {additions} to extend with scores or explanations from saved models" if additions else ""
    total = "1 run" if len(jobs) == 1 else f"{len(jobs)} runs"
    before = f"{total}, {done} of them finished before{skipped}{lacking}"
    terminal.log(f"{before}, {len(todo)} to do{added}")
    for line in describe_variant_options(
        {job.spec.recipe.name: job.spec.recipe for job in jobs}.values(), options
    ):
        terminal.warn(line)
    if suite.older:
        terminal.warn(describe_older_runs(len(suite.older), suite.forecast(suite.older).hours))
    hours = suite.forecast(todo).hours if todo and not options.dry_run else None
    if hours:
        terminal.log(f"estimated time: {format_hours(hours)}")


def print_plan(suite: Suite) -> None:
    """Print every run with its state, then the forecast."""
    width = max(len(job.spec.id) for job in suite.jobs)
    for job in suite.jobs:
        print(f"  {job.spec.id:{width}}  {_state(job, suite):11}  {_detail(job)}")
    downloads = missing_weights(suite.todo) if _downloads(suite) else {}
    weights = ", ".join(f"{name} ({mb:,.0f} MB)" for name, mb in downloads.items())
    ahead = suite.forecast(suite.todo)
    print(*ahead.lines(), f"Downloads of ImageNet weights: {weights or 'none'}", sep="\n")
    print(f"Nothing was run. Without --dry-run, runs and report go to {suite.options.out}.")


def _downloads(suite: Suite) -> bool:
    """Return whether missing weights are downloaded: for synthetic films only on request."""
    wanted = suite.options.weights
    return wanted != "random" and not (wanted == "auto" and suite.source.dataset.synthetic)


def _state(job: Job, suite: Suite) -> str:
    state = suite.runs.state(job.spec) or "planned"
    if job in suite.todo or state != "done":
        return state
    missing = (
        *missing_variants(job, suite.runs, suite.options),
        *missing_external_scores(job, suite.runs, suite.external_by_fingerprint),
        *missing_external_maps(job, suite.runs, suite.external_by_fingerprint),
    )
    if not missing:
        return state
    scorable = suite.runs.folder(job.spec).model.exists() or not job.spec.recipe.phases
    return "to extend" if scorable else "no model"


def _detail(job: Job) -> str:
    recipe = job.spec.recipe
    network = "without a network"
    if recipe.phases:
        network = f"{recipe.size} px, {sum(phase.epochs for phase in recipe.phases)} epochs"
    return f"{network}, {job.spec.weights}, {job.memory_mb:,.0f} MB"
