"""The command as a user starts it, in processes of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.suite.engines.local import LocalEngine, make_slots
from benchmarks.suite.options import parse
from pneumo_tf.costs.hardware import cores
from pneumo_tf.runs import Runs
from tests.benchmarks.planned import plan_jobs

ROOT = Path(__file__).parents[2]
TINY = ("--only", "baseline_cnn,thumbnail,majority", "--size", "32", "--films", "60", "--epochs", "2")


@pytest.fixture
def command(small_phantom, tmp_path):
    """Starts run_all on a small phantom, in an empty folder."""

    def start(*arguments, out="out", path=()):
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.run_all", "--data", str(small_phantom.root), *arguments]
            + ["--out", str(tmp_path / out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": ":".join(map(str, (*path, ROOT))),
                "KERAS_HOME": str(tmp_path / "keras"),
            },
        )

    return start


def finish(process):
    out, error = process.communicate(timeout=300)
    assert "Traceback" not in out + error
    return process.returncode, out, error


def states(out):
    return {folder.spec.recipe.name: folder.status for folder in Runs(out / "runs")}


def workers_of(process):
    """Processes that a run_all has started, by id."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, rest = stat.parent.name, stat.read_text().rsplit(")", 1)[1].split()
            if int(rest[1]) == process.pid and rest[0] != "Z":
                found.append(int(pid))
    return found


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def predictions(out):
    files = sorted((out / "runs").glob("*/predictions/*.csv"))
    return {file.relative_to(out): file.read_bytes() for file in files}


def test_from_films_to_leaderboard_and_nothing_twice(command, tmp_path):
    code, text, _ = finish(command(*TINY))
    assert code == 0
    assert {status["state"] for status in states(tmp_path / "out").values()} == {"done"}
    page = (tmp_path / "out" / "report" / "leaderboard.md").read_text()
    for name in ("baseline_cnn", "thumbnail", "majority"):
        assert name in page
    assert "3 to do" in text
    for folder in Runs(tmp_path / "out" / "runs"):
        assert not folder.work.exists()
        assert set(folder.prediction_sets()) == {"validation", "test"}
        if folder.spec.recipe.phases:
            assert folder.model.exists()
            assert folder.read_arrays("explained")["maps"].min() >= 0
    code, text, _ = finish(command(*TINY))
    assert code == 0
    assert "0 to do" in text
    assert (tmp_path / "out" / "report" / "leaderboard.md").read_text() == page


@pytest.mark.slow
def test_a_killed_main_process_loses_nothing_and_leaves_no_worker(command, tmp_path):
    assert finish(command(*TINY, out="whole"))[0] == 0
    process = command(*TINY, "--workers", "1")
    wait_for(lambda: _training(tmp_path / "out"))
    workers = workers_of(process)
    assert len(workers) == (2 if cores() > 1 else 1), "a worker, and a spare one where a core is idle"
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 10)
    done = [name for name, status in states(tmp_path / "out").items() if status["state"] == "done"]
    code, text, _ = finish(command(*TINY))
    assert code == 0
    assert f"{len(done)} of them finished before" in text
    assert predictions(tmp_path / "out") == predictions(tmp_path / "whole")


def _training(out):
    logs = list(out.glob("runs/baseline_cnn*/work"))
    return bool(logs) and any(s["state"] == "running" for s in states(out).values())


def test_ctrl_c_stops_in_order(command, tmp_path):
    process = command(*TINY, "--workers", "1")
    wait_for(lambda: _training(tmp_path / "out"))
    workers = workers_of(process)
    process.send_signal(signal.SIGINT)
    code, _, error = finish(process)
    assert code == 130
    assert "the same command without --fresh continues" in error
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert "running" not in {status["state"] for status in states(tmp_path / "out").values()}


@pytest.mark.slow
def test_a_second_run_all_in_the_same_folder_is_sent_away(command, tmp_path):
    first = command(*TINY)
    wait_for(lambda: (tmp_path / "out" / "runs").exists())
    code, _, error = finish(command(*TINY))
    assert code == 2
    assert "another run_all is working" in error
    assert finish(first)[0] == 0


class Killer:
    """Kills the worker of one recipe at its first event."""

    def __init__(self, victim):
        self.victim, self.seen = victim, []

    def started(self, name, folder):
        self.seen.append(folder)

    def event(self, name, event):
        folder = next(f for f in self.seen if f.spec.id == name)
        if name.startswith(self.victim) and event["event"] == "stage" and folder.status.get("pid"):
            os.kill(folder.status["pid"], signal.SIGKILL)

    def ended(self, name, folder, *, succeeded):
        pass


def test_a_killed_worker_is_a_row_with_a_reason_and_the_others_continue(small_phantom, tmp_path):
    options = parse([*TINY, "--out", str(tmp_path)])
    jobs, _ = plan_jobs(options, small_phantom.films.fingerprint)
    runs = Runs(options.runs)
    runs.write_films(small_phantom)
    folders = [(job, runs.plan(job.spec)) for job in jobs]
    engine = LocalEngine(
        make_slots([], 2),
        data=small_phantom.root,
        cache=options.cache,
        watcher=Killer("thumbnail"),
    )
    engine.run(folders)
    found = states(tmp_path)
    assert found["thumbnail"]["state"] == "failed"
    assert "out of memory" in found["thumbnail"]["reason"]
    assert found["majority"]["state"] == found["baseline_cnn"]["state"] == "done"


@pytest.mark.parametrize(
    ("broken", "reason", "logged"),
    [
        ("raise ImportError('libcudart.so.12: cannot open')", "ImportError: libcudart.so.12", "Traceback"),
        ("import os; os.write(2, b'illegal instruction'); os._exit(4)", "with status 4", "illegal instr"),
    ],
)
def test_a_tensorflow_that_cannot_be_imported_fails_each_run_once(command, tmp_path, broken, reason, logged):
    (tmp_path / "tensorflow.py").write_text(broken)
    only = ("--only", "baseline_cnn", "--films", "60", "--seeds", "3", "--workers", "1")
    code, text, _ = finish(command(*only, path=[tmp_path]))
    assert code == 1
    assert "3 of 3 runs failed" in text
    for folder in Runs(tmp_path / "out" / "runs"):
        assert reason in folder.status["reason"]
        assert folder.log.read_text().count(logged) == 1


def test_what_a_worker_prints_before_its_assignment_is_in_the_log(command, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(2, b'printed early\\n')")
    only = ("--only", "thumbnail,majority", "--films", "60", "--workers", "1")
    assert finish(command(*only, path=[tmp_path]))[0] == 0
    for folder in Runs(tmp_path / "out" / "runs"):
        assert folder.log.read_text().count("printed early") == 1


def test_what_a_spare_imports_leaves_the_device_alone():
    # TensorFlow refuses to change threads once it has taken its devices.
    code = (
        "import benchmarks.worker.training_run, tensorflow as tf; tf.config.threading"
        ".set_inter_op_parallelism_threads(3)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.slow
def test_a_failed_run_stays_failed_until_it_is_retried(command, tmp_path, small_phantom):
    cache = tmp_path / "out" / "cache"
    cache.mkdir(parents=True)
    # A folder where the decoded films should go makes the run fail as a full disk would.
    only = ("--only", "thumbnail,majority", "--films", "60")
    blocked = finish(command(*only))
    assert blocked[0] == 0
    for file in cache.glob("*.npy"):
        file.unlink()
        file.mkdir()
    code, text, _ = finish(command(*only, "--fresh"))
    assert code == 1
    assert "1 of 2 runs failed" in text
    assert states(tmp_path / "out")["majority"]["state"] == "done"
    code, text, _ = finish(command(*only))
    assert (code, "0 to do" in text) == (1, True)
    for folder in cache.glob("*.npy"):
        folder.rmdir()
    code, text, _ = finish(command(*only, "--retry-failed"))
    assert (code, "1 to do" in text) == (0, True)


@pytest.mark.slow
def test_the_same_run_twice_gives_the_same_numbers(command, tmp_path):
    one = ("--only", "baseline_cnn", "--size", "32", "--films", "60", "--epochs", "1")
    assert finish(command(*one, out="a"))[0] == 0
    assert finish(command(*one, out="b"))[0] == 0
    assert predictions(tmp_path / "a") == predictions(tmp_path / "b")
    costs = json.loads(next((tmp_path / "a").glob("runs/*/costs.json")).read_text())
    assert costs["seconds"]["total"] > costs["seconds"]["train"] > 0
