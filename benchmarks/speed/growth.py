"""(g) Time and memory of the pipeline and of the report as films and runs grow."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.speed.child import run
from benchmarks.speed.contest import Line
from benchmarks.speed.reporting import report, write_runs
from benchmarks.speed.scene import Scene

FLAT = 0.9
"""Ratio from which on a rate or a memory counts as the same."""

MOST_REPORT_MB = 1000.0
ONCE = 10_000
"""Runs from which on a report is made once: its memory does not vary, and its time is minutes."""


def measure(scene: Scene) -> Iterator[Line]:
    """Measures the pipeline, then the report."""
    yield from _pipeline(scene)
    yield from _report(scene)


def _pipeline(scene: Scene) -> Iterator[Line]:
    counts = scene.scale.growing_films
    maps = [_write_map(scene, count) for count in counts]
    rounds = [[_epoch(path) for path in maps] for _ in range(scene.repeat)]
    for place, count in enumerate(counts[1:], 1):
        for key, unit, how in (
            ("films_per_second", "films/s", "an epoch from a memory map"),
            (
                "anonymous_mb",
                "MB",
                "most anonymous memory of the process, TensorFlow's included, while the map is read",
            ),
        ):
            yield Line(
                f"pipeline, {count:,} films against {counts[0]:,}",
                unit,
                tuple(one[place][key] for one in rounds),
                tuple(one[0][key] for one in rounds),
                at_least=FLAT,
                note=f"{how}.",
            )


def _write_map(scene: Scene, count: int) -> Path:
    path, pixels = scene.scratch / f"map-{count}.npy", scene.pixels(scene.scale.side)
    films = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *pixels.shape[1:]))
    for start in range(0, count, len(pixels)):
        films[start : start + len(pixels)] = pixels[: count - start]
    films.flush()
    return path


def _epoch(path: Path) -> dict[str, float]:
    return json.loads(run("benchmarks.speed.epoch", [str(path)]).output.splitlines()[-1])


def _report(scene: Scene) -> Iterator[Line]:
    counts = scene.scale.growing_runs
    folders = {count: write_runs(scene, count) for count in counts}
    often = [count for count in counts if count < ONCE]
    rounds = [{count: report(folders[count]) for count in often} for _ in range(scene.repeat)]
    once = {count: report(folders[count]) for count in counts if count >= ONCE}
    for count in counts[1:]:
        larger = [each[count] for each in rounds] if count in often else [once[count]]
        smaller = [each[counts[0]] for each in rounds]
        rates = [
            [runs / child.seconds for child in of] for runs, of in ((count, larger), (counts[0], smaller))
        ]
        if count not in often:
            rates[1] = [statistics.median(rates[1])]
        yield Line(
            f"report, {count:,} runs against {counts[0]:,}",
            "runs/s",
            *map(tuple, rates),
            at_least=FLAT,
            note="the whole command; growth is linear where the rate stays.",
        )
        yield Line(
            f"report, {count:,} runs",
            "MB",
            tuple(child.peak_mb for child in larger),
            at_most=MOST_REPORT_MB,
            note="largest resident memory of the command.",
        )
