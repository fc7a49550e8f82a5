"""Fixtures of a planned run."""

import pytest

from benchmarks.worker import training_run
from tests.benchmarks.worker.tiny_runs import plan


@pytest.fixture
def planned(small_phantom, tmp_path):
    return plan(small_phantom, tmp_path)


@pytest.fixture
def no_device(monkeypatch):
    # Threads and determinism can be set once in a process; the tests beside this one have their own.
    monkeypatch.setattr(training_run, "prepare_device", lambda *_: None)
