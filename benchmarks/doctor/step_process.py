"""The process of a step: its time limit and how it ended, without TensorFlow."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import IO

from benchmarks.doctor.outcome import Outcome
from benchmarks.doctor.step_input import Row, StepInput

LOG_CHARACTERS = 2000
"""Most characters of a step's log that are kept, from its end."""


def run_step(function: str, step_input: StepInput, environment: Mapping[str, str]) -> Outcome:
    """Run a step in a process of its own.

    Args:
        function: `"package.module:function"`, a `Measure`.
        step_input: Device and time limit.
        environment: Environment variables of the process.

    Returns:
        Its outcome, even if the process crashed or was killed. No process that it started is left.
    """
    started, limit = time.monotonic(), max(0.0, step_input.seconds_left)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.doctor.step_child", function, step_input.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _kill_group(process)
        printed, tail = _read(output), _read(log)[-LOG_CHARACTERS:]
    state, reason, rows = _judge(printed, code, limit)
    return Outcome(state, reason, time.monotonic() - started, rows, "" if state == "ok" else tail)


def _judge(printed: str, code: int | None, limit: float) -> tuple[str, str, tuple[Row, ...]]:
    """Return state, reason and rows of a step from its output and exit status, None if it was killed."""
    # The last line is incomplete if the process was ended while it wrote.
    *lines, _ = printed.split("\n")
    rows: list[Row] = []
    for line in lines:
        try:
            rows.append(_row(line))
        except ValueError:
            return "failed", f"its output is not JSON rows: {line[:80]!r}", tuple(rows)
    error = rows.pop()["error"] if code == 1 and rows and "error" in rows[-1] else None
    found = tuple(rows)
    if code is None:
        return "stopped", f"not done after {limit:.0f} s; --patience 3 waits longer", found
    if code < 0:
        return "crashed", f"ended by signal {signal.Signals(-code).name}", found
    if code:
        return "failed", error or f"ended with status {code}", found
    if not rows:
        return "failed", "it measured nothing", found
    problems = [row["problem"] for row in rows if row.get("problem")]
    return ("problem", "; ".join(dict.fromkeys(problems)), found) if problems else ("ok", "", found)


def _row(line: str) -> Row:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"not a row: {row!r}")
    return row


def _kill_group(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
