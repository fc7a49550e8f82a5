"""Workers on this machine: as many at a time as slots and memory allow, each run in its own process."""

import os
import selectors
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from benchmarks.child_modules import module_variables
from benchmarks.suite.engines.worker_process import WorkerProcess
from benchmarks.suite.plan import Job
from benchmarks.worker.assignment import Assignment
from pneumo_tf.costs.hardware import Gpu, cores, device_variables, memory_mb
from pneumo_tf.failures import describe, failure_of_exit
from pneumo_tf.run_folder import RunFolder

MEMORY_SHARE = 0.25
"""Share of the host's free memory that workers may need by their estimates."""

SPARE_MB = 300.0
"""Memory of a waiting worker that has imported TensorFlow, without memory shared with other workers."""

MOST_CPU_WORKERS = 4

STOP_SECONDS = 5.0
"""Time limit for workers to exit by themselves when the engine stops."""


class Watcher(Protocol):
    """Observer of workers."""

    def started(self, name: str, folder: RunFolder) -> None:
        """A worker was started."""

    def event(self, name: str, event: dict[str, Any]) -> None:
        """A worker sent an event."""

    def ended(self, name: str, folder: RunFolder, *, succeeded: bool) -> None:
        """A worker has ended; the folder's state is final."""


@dataclass(frozen=True)
class Slot:
    """A place for one worker.

    Args:
        gpu: GPU of the slot, None for the CPU.
        threads: CPU threads.
    """

    gpu: Gpu | None
    threads: int

    @property
    def device(self) -> str:
        """Name of the device for the board."""
        if self.gpu:
            return self.gpu.name
        return "CPU, 1 thread" if self.threads == 1 else f"CPU, {self.threads} threads"


@dataclass
class _Working:
    job: Job
    folder: RunFolder
    slot: Slot
    process: WorkerProcess


def make_slots(gpus: Sequence[Gpu], workers: int | None) -> list[Slot]:
    """Divide the machine into slots.

    Args:
        gpus: GPUs to use.
        workers: Number of workers at a time; None for one per GPU, or on a CPU one per core up to four.
    """
    count = workers or (len(gpus) or max(1, min(MOST_CPU_WORKERS, cores())))
    threads = max(1, cores() // count)
    return [Slot(gpus[i % len(gpus)] if gpus else None, threads) for i in range(count)]


NO_EXTERNAL_SETS: Mapping[str, Path] = MappingProxyType({})


class LocalEngine:
    """Engine that runs jobs on this machine."""

    def __init__(
        self,
        slots: Sequence[Slot],
        *,
        data: Path,
        cache: Path,
        watcher: Watcher,
        share_cores: bool = False,
        external: Mapping[str, Path] = NO_EXTERNAL_SETS,
    ) -> None:
        """Prepare the engine.

        Args:
            slots: Places for workers.
            data: Root of the films.
            cache: Folder of decoded films and features.
            watcher: Observer of the workers.
            share_cores: Whether a run that starts when fewer runs than slots are left also gets the threads
                of the empty slots.
            external: Roots of external sets, by fingerprint.
        """
        self._free, self._watcher, self._share_cores = list(slots), watcher, share_cores
        self._places = len(self._free)
        self._data, self._cache, self._external = data, cache, external
        self._memory = memory_mb() * MEMORY_SHARE
        self._working: list[_Working] = []
        self._spares: list[tuple[Slot, WorkerProcess]] = []
        self._selector = selectors.DefaultSelector()

    def run(self, jobs: Sequence[tuple[Job, RunFolder]]) -> None:
        """Run jobs, in order as far as memory allows, until all have ended.

        If a worker exits early, its run becomes `failed`, with the reason, and the others continue. On an
        interrupt all workers are stopped and their runs become `interrupted`.
        """
        waiting = list(jobs)
        try:
            while waiting or self._working:
                while self._free and (index := self._next(waiting)) is not None:
                    self._start(*waiting.pop(index), left=len(waiting))
                self._keep_spares(waiting)
                self._listen()
        finally:
            self._stop()

    @property
    def _used(self) -> float:
        return sum(worker.job.memory_mb for worker in self._working) + SPARE_MB * len(self._spares)

    def _next(self, waiting: Sequence[tuple[Job, RunFolder]]) -> int | None:
        # A run that takes over a spare worker needs the memory of one worker, not of two.
        used = self._used - (SPARE_MB if self._spares else 0)
        fitting = (i for i, (job, _) in enumerate(waiting) if used + job.memory_mb <= self._memory)
        # A run whose estimate exceeds the memory is tried alone: the estimate may be wrong.
        return next(fitting, 0 if waiting and not self._working else None)

    def _start(self, job: Job, folder: RunFolder, *, left: int) -> None:
        """Start a run; `left` more are waiting."""
        slot = self._free.pop(0)
        used = self._widen(slot, left)
        assignment = Assignment(
            data=str(self._data),
            cache=str(self._cache),
            weights=str(job.weights or ""),
            device=used.device,
            threads=used.threads,
            gpu=slot.gpu is not None,
            notes=job.notes,
            task=job.task,
            variants=job.variants,
            external={key: str(self._external[key]) for key in job.external},
        )
        process = self._take_spare(slot) or _new_process(used, job)
        process.assign(folder, assignment)
        worker = _Working(job, folder, slot, process)
        self._working.append(worker)
        self._selector.register(process.events, selectors.EVENT_READ, worker)
        self._watcher.started(job.spec.id, folder)

    def _widen(self, slot: Slot, left: int) -> Slot:
        """Return a slot with an equal share of all cores, if fewer runs are left than there are slots."""
        runs = min(self._places, len(self._working) + 1 + left)
        share = cores() // runs if self._share_cores else 0
        return replace(slot, threads=max(slot.threads, share))

    def _keep_spares(self, waiting: Sequence[tuple[Job, RunFolder]]) -> None:
        """Keep a spare worker for each busy slot, as long as runs are waiting and memory allows."""
        while len(self._spares) > len(waiting):
            self._spares.pop()[1].stop()
        # A worker of one thread leaves no core idle: there a spare would only slow it down.
        busy = [worker.slot for worker in self._working if worker.slot.threads > 1]
        for slot in busy:
            spares = [spare_slot for spare_slot, _ in self._spares]
            if len(spares) == len(waiting) or self._used + SPARE_MB > self._memory:
                return
            if spares.count(slot) < busy.count(slot):
                self._spares.append((slot, _new_process(slot, waiting[len(spares)][0])))

    def _take_spare(self, slot: Slot) -> WorkerProcess | None:
        for index, (spare_slot, process) in enumerate(self._spares):
            if spare_slot == slot:
                del self._spares[index]
                if process.alive:
                    return process
                # It ended before a run was assigned: start a new process instead.
                process.stop()
        return None

    def _listen(self) -> None:
        for key, _ in self._selector.select(timeout=0.5):
            worker: _Working = key.data
            events = worker.process.read()
            if events is None:
                self._end(worker)
            for event in events or ():
                self._watcher.event(worker.job.spec.id, event)

    def _end(self, worker: _Working) -> None:
        self._selector.unregister(worker.process.events)
        code = worker.process.end()
        if worker.folder.state not in ("done", "failed"):
            worker.folder.fail(failure_of_exit(code))
        self._working.remove(worker)
        self._free.append(worker.slot)
        self._watcher.ended(worker.job.spec.id, worker.folder, succeeded=not code)

    def _stop(self) -> None:
        for worker in self._working:
            worker.process.request_exit()
        for _, process in self._spares:
            process.stop()
        for worker in self._working:
            worker.process.stop(STOP_SECONDS)
            if worker.folder.state != "done":
                worker.folder.set_status("interrupted", describe("interrupted"), kind="interrupted")
        self._spares.clear()
        self._working.clear()


def _new_process(slot: Slot, job: Job) -> WorkerProcess:
    return WorkerProcess(bool(job.spec.recipe.phases), _environment(slot))


def _environment(slot: Slot) -> dict[str, str]:
    threads = str(slot.threads)
    return {
        **os.environ,
        **module_variables(),
        **device_variables(slot.gpu),
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
    }
