"""Probe before a suite: check that TensorFlow can compute on every GPU, before any run fails."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.child_modules import module_variables
from pneumo_tf.costs.hardware import TO_USE_THE_CPU, Gpu, device_variables
from pneumo_tf.errors import UserError

SECONDS = 600
"""Time limit of TensorFlow's import and two operations, which a new kind of card compiles first."""

HARMLESS = ("Unable to register", "already been registered", "already registered", "NUMA node", "TF-TRT")
"""Parts of harmless errors and warnings that TensorFlow prints at every start."""

SEVERE = re.compile(r"^(?:[EF]\d{4} |\d{4}-\d\d-\d\d \S+ ?[EF] )")
WARNING = re.compile(r"^(?:W\d{4} |\d{4}-\d\d-\d\d \S+ ?W )")


def require_usable_gpus(gpus: Sequence[Gpu]) -> None:
    """Compute on each GPU in a process of its own, all at the same time.

    Raises:
        UserError: If TensorFlow cannot use one of them; otherwise runs would silently take days on the CPU.
    """
    processes = [_start(gpu) for gpu in gpus]
    try:
        for gpu, process in zip(gpus, processes, strict=True):
            _check(gpu, process)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _start(gpu: Gpu) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.worker.gpu_check"],
        env={**os.environ, **module_variables(), **device_variables(gpu), "TF_CPP_MIN_LOG_LEVEL": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _check(gpu: Gpu, process: subprocess.Popen[str]) -> None:
    try:
        _, printed = process.communicate(timeout=SECONDS)
        reason = find_reason(printed)
    except subprocess.TimeoutExpired:
        reason = f"no answer within {SECONDS} s"
    if process.returncode == 0:
        return
    raise UserError(
        f"TensorFlow cannot use GPU {gpu.index}, {gpu.name}: {reason}; pip install -r requirements.txt (not "
        "requirements-cpu.txt), check the driver and that no other process holds the card, "
        f"{TO_USE_THE_CPU}"
    )


def find_reason(printed: str) -> str:
    """Return the line of a failed process that explains it best.

    Args:
        printed: Its standard error.

    Returns:
        Last error of TensorFlow, else its last warning, else the last line.
    """
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    lines = [line for line in lines if not any(part in line for part in HARMLESS)]
    severe = [line for line in lines if SEVERE.match(line)]
    warnings = [line for line in lines if WARNING.match(line)]
    found = (severe or warnings or lines or ["it ended without a message"])[-1]
    # Strip date, thread and source file.
    return re.sub(r"^.*?\.cc:\d+\] ", "", found)
