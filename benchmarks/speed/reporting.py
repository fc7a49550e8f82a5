"""(f) Time of the whole report, leaderboard and figures, over many runs."""

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.child import Child, run_child
from benchmarks.speed.fabricated import fabricate_runs
from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line

MOST_SECONDS = 10.0


def measure(setup: Setup) -> Iterator[Line]:
    """Time `python -m benchmarks.report` over fabricated runs."""
    runs = write_runs(setup, setup.scale.runs)
    children = [run_report(runs, memory=False) for _ in range(1 + setup.repeat)][1:]
    yield Line(
        f"report over {setup.scale.runs:,} runs",
        "s",
        tuple(child.seconds for child in children),
        at_most=MOST_SECONDS,
        note="the whole command, including its start and every picture; "
        f"{statistics.median(child.processor_seconds for child in children):.1f} processor seconds.",
    )


def write_runs(setup: Setup, count: int) -> Path:
    """Fabricate runs if there are none yet, and return their folder."""
    folder = setup.scratch / f"runs-{count}"
    if not folder.exists():
        setup.log(f"    writing {count:,} runs")
        fabricate_runs(folder, count)
    return folder


def run_report(runs: Path, *, memory: bool) -> Child:
    """Write the report of runs in its own process; reading its memory slows it down."""
    out = runs.with_name("report")
    return run_child("benchmarks.report", ["--runs", str(runs), "--out", str(out)], memory=memory)
