"""(f) The whole report, leaderboard and pictures, of many runs."""

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.child import Child, run
from benchmarks.speed.contest import Line
from benchmarks.speed.fabricated import fabricate_runs
from benchmarks.speed.scene import Scene

MOST_SECONDS = 10.0


def measure(scene: Scene) -> Iterator[Line]:
    """Times `python -m benchmarks.report` over fabricated runs."""
    runs = write_runs(scene, scene.scale.runs)
    children = [report(runs, memory=False) for _ in range(1 + scene.repeat)][1:]
    yield Line(
        f"report over {scene.scale.runs:,} runs",
        "s",
        tuple(child.seconds for child in children),
        at_most=MOST_SECONDS,
        note="the whole command, its start and every picture included; "
        f"{statistics.median(child.processor_seconds for child in children):.1f} s of processor.",
    )


def write_runs(scene: Scene, count: int) -> Path:
    """Fabricates runs where there are none yet, and gives their folder."""
    folder = scene.scratch / f"runs-{count}"
    if not folder.exists():
        scene.say(f"    writing {count:,} runs")
        fabricate_runs(folder, count)
    return folder


def report(runs: Path, *, memory: bool) -> Child:
    """Reports on a folder of runs in a process of its own, with its memory or at its full speed."""
    out = runs.with_name("report")
    return run("benchmarks.report", ["--runs", str(runs), "--out", str(out)], memory=memory)
