"""Time and peak memory of a module that runs in its own process."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.child_modules import module_variables
from pneumo_tf.costs.hardware import device_variables

SECONDS_BETWEEN_READINGS = 0.1
"""Seconds between two readings of the memory of a process."""


class Child(NamedTuple):
    """Time and memory of a process and all its descendants.

    Args:
        seconds: Seconds from its start to its end.
        processor_seconds: Processor seconds over all cores.
        peak_mb: Peak memory, MiB, counting shared pages once; None if it was not read, or the kernel does not
            report it.
        output: Standard output and standard error.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float | None
    output: str


def run_child(module: str, arguments: Sequence[str], *, memory: bool = True) -> Child:
    """Run `python -m module arguments` on the CPU: the GPU belongs to the process that measures.

    Args:
        module: Full name of the module.
        arguments: Its command line.
        memory: Whether to read its memory, which slows it down because the kernel counts its pages each time.

    Raises:
        RuntimeError: If the module fails, with its output.
    """
    with tempfile.TemporaryFile("w+") as printed:
        started = time.perf_counter()
        command = [sys.executable, "-m", module, *arguments]
        environment = {**os.environ, **module_variables(), **device_variables(None)}
        process = subprocess.Popen(command, stdout=printed, stderr=printed, env=environment)
        with _killed_at_the_end(process), _memory_read(process.pid, memory) as readings:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        output = printed.read()
    if process.returncode:
        raise RuntimeError(f"{module} failed: {output.strip()}")
    return Child(seconds, usage.ru_utime + usage.ru_stime, max(readings, default=None), output)


@contextlib.contextmanager
def _killed_at_the_end(process: subprocess.Popen) -> Iterator[None]:
    """Kill a process that still runs when the block ends."""
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _memory_read(process: int, memory: bool) -> Iterator[list[float]]:
    """Yield a list to which readings of a process's memory, MiB, are appended until the block ends."""
    ended, readings = threading.Event(), []
    watch = threading.Thread(target=_read_memory, args=(process, ended, readings))
    if memory:
        watch.start()
    try:
        yield readings
    finally:
        ended.set()
        if memory:
            watch.join()


def _read_memory(process: int, ended: threading.Event, readings: list[float]) -> None:
    while not ended.wait(SECONDS_BETWEEN_READINGS):
        held = [_memory_kb(member) for member in _family(process)]
        if held and None not in held:
            readings.append(sum(held) / 1024)


def _family(process: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return [process]
    return [process, *(member for child in children for member in _family(int(child)))]


def _memory_kb(process: int) -> int | None:
    """Return proportional resident memory: a page shared by n processes counts 1/n."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pss:")), None)
    except OSError:
        return None
