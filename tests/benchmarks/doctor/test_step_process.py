import os
import subprocess
import time

import pytest

from benchmarks.doctor import step_process
from benchmarks.doctor.step_input import StepInput
from benchmarks.doctor.step_process import run_step

FAKES = "tests.benchmarks.doctor.fake_steps"


def run(name, *, gpu=True, seconds=60.0):
    return run_step(f"{FAKES}:{name}", StepInput(gpu, time.monotonic() + seconds), os.environ)


def test_rows_come_back_with_the_device_and_rounded():
    outcome = run("result")
    assert (outcome.state, outcome.reason, outcome.log) == ("ok", "", "")
    first, second = outcome.rows
    assert first["gpu"] is True
    assert 0 < first["seconds_left"] <= 60
    assert second == {"what": "third", "value": 0.333333, "infinite": "inf"}


def test_a_problem_is_reported_with_all_rows():
    outcome = run("problem")
    assert (outcome.state, outcome.reason) == ("problem", "the card is full; stop the other process")
    assert len(outcome.rows) == 2


@pytest.mark.parametrize(
    ("name", "state", "reason", "rows"),
    [
        ("nothing", "failed", "it measured nothing", 0),
        ("raises", "failed", "RuntimeError: no algorithm worked", 1),
        ("refuses", "failed", "there is no card; plug one in", 0),
        ("crashes", "crashed", "ended by signal SIGABRT", 1),
        ("leaves", "failed", "ended with status 7", 0),
        ("unknown_name", "failed", f"AttributeError: module '{FAKES}' has no attribute 'unknown_name'", 0),
    ],
)
def test_a_failed_step_has_a_reason_and_keeps_earlier_rows(name, state, reason, rows):
    outcome = run(name)
    assert (outcome.state, outcome.reason) == (state, reason)
    assert outcome.rows == ({"what": "before"},) * rows


def test_the_log_of_a_crash_is_kept():
    assert "Failed to create cuSolverDN instance" in run("crashes").log


def is_running(pid):
    """Return whether a process exists and is not a zombie."""
    try:
        state = subprocess.check_output(["ps", "-o", "stat=", "-p", str(pid)], text=True)
    except subprocess.CalledProcessError:
        return False
    return not state.startswith("Z")


def test_a_step_that_hangs_is_stopped_with_all_that_it_started():
    outcome = run("hangs", seconds=4.0)
    assert (outcome.state, outcome.reason) == ("stopped", "not done after 4 s; --patience 3 waits longer")
    (row,) = outcome.rows
    for _ in range(100):
        if not is_running(row["pid"]):
            return
        time.sleep(0.05)
    pytest.fail("the child of a stopped step still runs")


@pytest.mark.parametrize(
    ("printed", "state", "rows"),
    [
        ("not JSON\n", "failed", 0),
        ("[1, 2]\n", "failed", 0),
        ('{"what": "one"}\nSegmentation fault\n', "failed", 1),
        ('{"what": "one"}\n{"what": "cut o', "ok", 1),
        ("", "failed", 0),
        (b"\xff\xfe\n".decode("latin-1"), "failed", 0),
    ],
)
def test_output_that_is_no_json(printed, state, rows, tmp_path, monkeypatch):
    (tmp_path / "printed").write_bytes(printed.encode("latin-1"))
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncat {tmp_path / 'printed'}\n")
    program.chmod(0o755)
    monkeypatch.setattr(step_process.sys, "executable", str(program))
    outcome = run("result")
    assert (outcome.state, len(outcome.rows)) == (state, rows)
    assert (state == "ok") != bool(outcome.reason)
