"""Work in a process of its own, so that its memory is its own: how long it took and how much it held."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple


class Child(NamedTuple):
    """What a process took.

    Args:
        seconds: From its start to its end.
        processor_seconds: Over all cores.
        peak_mb: Largest resident memory, MiB.
        output: What it printed.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float
    output: str


def run(module: str, arguments: Sequence[str]) -> Child:
    """Runs `python -m module arguments`.

    Raises:
        RuntimeError: Where it fails, with what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode:
        raise RuntimeError(f"{module} failed: {output.strip()}")
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Child(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, output)
