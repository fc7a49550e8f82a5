"""Work in a process of its own, so that its memory is its own: how long it took and how much it held."""

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

from pneumo_tf.costs.hardware import device_variables

EVERY = 0.1
"""Seconds between two looks at a process' memory."""


class Child(NamedTuple):
    """What a process took, those that it started included.

    Args:
        seconds: From its start to its end.
        processor_seconds: Over all cores.
        peak_mb: Most memory at a time, MiB, pages that processes share counted once; None where nobody looked
            or the kernel does not tell.
        output: What it printed.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float | None
    output: str


def run(module: str, arguments: Sequence[str], *, memory: bool = True) -> Child:
    """Run `python -m module arguments` on the CPU: the GPU belongs to the process that measures.

    Args:
        module: What to run.
        arguments: Of its command line.
        memory: Look how much it holds, which holds it up: the kernel counts its pages each time.

    Raises:
        RuntimeError: Where it fails, with what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        command = [sys.executable, "-m", module, *arguments]
        environment = {**os.environ, **device_variables(None)}
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        with _outlived(process), _watched(process.pid, memory) as looks:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode:
        raise RuntimeError(f"{module} failed: {output.strip()}")
    return Child(seconds, usage.ru_utime + usage.ru_stime, max(looks, default=None), output)


@contextlib.contextmanager
def _outlived(process: subprocess.Popen) -> Iterator[None]:
    """Kills a process that is still there when the block ends."""
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _watched(process: int, memory: bool) -> Iterator[list[float]]:
    """Gives a list to which a process' memory is added, MiB, again and again until the block ends."""
    ended, looks = threading.Event(), []
    watch = threading.Thread(target=_watch, args=(process, ended, looks))
    if memory:
        watch.start()
    try:
        yield looks
    finally:
        ended.set()
        if memory:
            watch.join()


def _watch(process: int, ended: threading.Event, looks: list[float]) -> None:
    while not ended.wait(EVERY):
        held = [_memory_kb(member) for member in _family(process)]
        if held and None not in held:
            looks.append(sum(held) / 1024)


def _family(process: int) -> list[int]:
    """A process and all that it started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return [process]
    return [process, *(member for child in children for member in _family(int(child)))]


def _memory_kb(process: int) -> int | None:
    """Resident memory, a page that n processes share counted as an nth of one."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pss:")), None)
    except OSError:
        return None
