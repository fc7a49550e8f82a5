"""The clock of a run."""

import time

import pytest

from benchmarks.worker.events import Clock
from tests.benchmarks.worker.tiny_runs import SILENT


def test_a_stage_that_fails_and_is_done_again_counts_twice(monkeypatch):
    now = iter([10.0, 13.0, 20.0, 29.0])
    monkeypatch.setattr("benchmarks.worker.events.time.perf_counter", lambda: next(now))
    clock = Clock(SILENT, since=time.monotonic())
    with pytest.raises(MemoryError), clock.stage("train"):
        raise MemoryError
    with clock.stage("train"):
        pass
    assert clock.seconds["train"] == 3 + 9


def test_the_clock_adds_up_what_is_done_twice():
    clock = Clock(SILENT, since=time.monotonic())
    with clock.stage("build"):
        pass
    first = clock.seconds["build"]
    with clock.stage("build"):
        sum(range(10000))
    assert clock.seconds["build"] > first
