"""Spare workers: kept where they help, given up where they are not needed, and replaced when they die."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.suite.engines import local
from benchmarks.suite.engines.local import LocalEngine, Slot
from benchmarks.suite.plan import Job
from pneumo_tf.costs.hardware import Gpu

TWO = Slot(None, 2)


class Machine:
    """Stands in for processes: a worker ends when it was listened to three times, a slow one nine."""

    def __init__(self):
        self.started, self.assigned, self.stopped, self.threads = [], [], [], []
        self.most_spares, self.dying, self.slow = 0, set(), set()

    def process(self, trained, environment):
        return Process(self, trained, environment)


class Process:
    def __init__(self, machine, trained, environment):
        self.machine, self.trained, self.environment = machine, trained, environment
        read, write = os.pipe()
        os.close(write)
        self.events = os.fdopen(read, "rb")
        self.number = len(machine.started)
        self.left = 9 if self.number in machine.slow else 3
        machine.started.append(self)

    @property
    def alive(self):
        return self.number not in self.machine.dying

    def assign(self, folder, assignment):
        assert self not in self.machine.assigned
        if assignment.gpu:
            assert assignment.device == f"GPU {self.environment['CUDA_VISIBLE_DEVICES']}"
        self.machine.assigned.append(self)
        self.machine.threads.append((assignment.threads, assignment.device))
        folder.state = "done"

    def read(self):
        machine = self.machine
        spares = len(machine.started) - len(machine.assigned) - len(machine.stopped)
        machine.most_spares = max(machine.most_spares, spares)
        self.left -= 1
        return [] if self.left else None

    def end(self):
        self.events.close()
        return 0

    def stop(self, patience=0.0):
        self.machine.stopped.append(self)
        self.events.close()


class Nobody:
    started = event = ended = lambda self, *arguments, **more: None


def job(name, *, trained=True, memory_mb=100.0):
    recipe = SimpleNamespace(phases=("phase",) if trained else ())
    spec = SimpleNamespace(id=name, recipe=recipe)
    return Job(spec, None, (), memory_mb), SimpleNamespace(path=Path(name), state="planned")


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(local, "WorkerProcess", machine.process)
    monkeypatch.setattr(local, "memory_mb", lambda: 40_000)
    return machine


def do(jobs, slots, **how):
    engine = LocalEngine(slots, data=Path("d"), cache=Path("c"), watcher=Nobody(), **how)
    engine.run(jobs)
    assert all(folder.state == "done" for _, folder in jobs)


def test_every_run_has_its_own_process_and_no_spare_is_left(machine):
    do([job(f"run{number}") for number in range(5)], [TWO])
    assert len(machine.started) == len(machine.assigned) == 5
    assert machine.stopped == []
    assert machine.most_spares == 1


def test_each_slot_has_one_spare_and_never_more_than_there_are_runs(machine):
    do([job(f"run{number}") for number in range(7)], [TWO, TWO, TWO])
    assert machine.most_spares == 3
    assert len(machine.assigned) == 7
    assert len(machine.started) == len(machine.assigned) + len(machine.stopped)


def test_a_spare_sees_the_gpu_of_its_slot_alone(machine):
    # The second GPU is free first, when the first one's spare has waited longer.
    machine.slow = {0}
    gpus = [Gpu(index, f"GPU {index}", 40960, (8, 0)) for index in (0, 1)]
    do([job(f"run{number}") for number in range(6)], [Slot(gpu, 4) for gpu in gpus])
    seen = [process.environment["CUDA_VISIBLE_DEVICES"] for process in machine.started]
    assert set(seen) == {"0", "1"}
    assert len(machine.assigned) == 6
    assert len(machine.started) == len(machine.assigned) + len(machine.stopped)


def test_a_spare_imports_what_the_next_run_needs(machine):
    do([job("net"), job("other"), job("thumbnail", trained=False)], [TWO])
    assert [process.trained for process in machine.assigned] == [True, True, False]


@pytest.mark.parametrize(("slot", "memory_mb"), [(Slot(None, 1), 100.0), (TWO, 9_800.0)])
def test_without_an_idle_core_or_memory_there_is_no_spare(machine, slot, memory_mb):
    do([job(f"run{number}", memory_mb=memory_mb) for number in range(3)], [slot])
    assert machine.most_spares == 0


def test_a_spare_that_died_is_replaced_once(machine):
    machine.dying = {1, 3}
    do([job(f"run{number}") for number in range(4)], [TWO])
    assert [process.number for process in machine.assigned] == [0, 2, 4, 5]
    assert [process.number for process in machine.stopped] == [1, 3]


ONE_THREAD, FOUR_THREADS = (1, "CPU, 1 thread"), (4, "CPU, 4 threads")


@pytest.mark.parametrize(
    ("runs", "share", "threads"),
    [
        (1, True, [FOUR_THREADS]),
        (1, False, [ONE_THREAD]),
        (2, True, [(2, "CPU, 2 threads")] * 2),
        (4, True, [ONE_THREAD] * 4),
    ],
)
def test_a_run_gets_the_cores_of_slots_that_stay_empty(machine, monkeypatch, runs, share, threads):
    monkeypatch.setattr(local, "cores", lambda: 4)
    do([job(f"run{number}") for number in range(runs)], [Slot(None, 1)] * 4, share_cores=share)
    assert machine.threads == threads


def test_the_last_run_gets_the_cores_that_earlier_ones_have_left(machine, monkeypatch):
    monkeypatch.setattr(local, "cores", lambda: 2)
    # The two slots have one thread each; the third run starts when one of the first two goes on.
    machine.slow = {1}
    do([job(f"run{number}") for number in range(3)], [Slot(None, 1)] * 2, share_cores=True)
    assert machine.threads == [ONE_THREAD] * 3
    machine.threads.clear()
    do([job("large", memory_mb=1e6), job("alone", memory_mb=1e6)], [Slot(None, 1)] * 2, share_cores=True)
    # A run too large to have another beside it still leaves cores to that one, which waits.
    assert machine.threads == [ONE_THREAD, (2, "CPU, 2 threads")]
