"""(g) Growth of time and memory: the pipeline with more films, the report with more runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.speed.child import Child, run_child
from benchmarks.speed.reporting import run_report, write_runs
from benchmarks.speed.speed_setup import LARGE_RUNS, Setup
from benchmarks.speed.timing import Line

LEAST_RATIO = 0.9
"""Lowest ratio to the smallest size at which time and memory count as constant."""

MEASURED = {
    "films_per_second": ("films/s", "an epoch from a memory map."),
    "anonymous_mb": ("MB", "peak of anonymous memory while the map is read, including that of TensorFlow."),
}
"""Unit and note of each figure that an epoch prints."""

MOST_REPORT_MB = 1000.0


def measure(setup: Setup) -> Iterator[Line]:
    """Measure the pipeline, then the report."""
    yield from _pipeline(setup)
    yield from _report(setup)


def _pipeline(setup: Setup) -> Iterator[Line]:
    counts = setup.scale.growing_films
    maps = [_write_map(setup, count) for count in counts]
    rounds = [[_epoch(path) for path in maps] for _ in range(setup.repeat)]
    for place, count in enumerate(counts[1:], 1):
        for key, (unit, note) in MEASURED.items():
            larger, smallest = (tuple(one[at][key] for one in rounds) for at in (place, 0))
            if None not in larger:
                what = f"pipeline, {count:,} / {counts[0]:,} films"
                yield Line(what, unit, larger, smallest, at_least=LEAST_RATIO, note=note)


def _write_map(setup: Setup, count: int) -> Path:
    path, pixels = setup.scratch / f"map-{count}.npy", setup.pixels(setup.scale.side)
    films = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *pixels.shape[1:]))
    for start in range(0, count, len(pixels)):
        films[start : start + len(pixels)] = pixels[: count - start]
    films.flush()
    return path


def _epoch(path: Path) -> dict[str, float]:
    return json.loads(run_child("benchmarks.speed.epoch", [str(path)]).output.splitlines()[-1])


def _report(setup: Setup) -> Iterator[Line]:
    folders = {count: write_runs(setup, count) for count in setup.scale.growing_runs}
    children: dict[int, list[Child]] = {count: [] for count in folders}
    for turn in range(setup.repeat):
        for count, folder in folders.items():
            if turn == 0 or count < LARGE_RUNS:
                children[count].append(run_report(folder, memory=True))
    smallest, *larger = children
    for count in larger:
        pairs = list(zip(children[count], children[smallest], strict=False))
        yield Line(
            f"report, {count:,} / {smallest:,} runs",
            "runs/s",
            tuple(count / ours.seconds for ours, _ in pairs),
            tuple(smallest / theirs.seconds for _, theirs in pairs),
            at_least=LEAST_RATIO,
            note="the whole command; growth is at most linear if the rate does not fall.",
        )
        held = tuple(child.peak_mb for child in children[count])
        if None not in held:
            how = "peak memory of all its processes together."
            yield Line(f"report, {count:,} runs", "MB", held, at_most=MOST_REPORT_MB, note=how)
