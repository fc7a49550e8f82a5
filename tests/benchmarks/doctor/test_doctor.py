import json
import re

import pytest

from benchmarks.doctor import __main__ as command
from benchmarks.doctor.examination import Examination
from benchmarks.doctor.registry import LIMIT_ON_CPU, LIMIT_ON_GPU, STEPS, Step
from benchmarks.doctor.tables import describe_examination
from pneumo_tf.costs.hardware import Gpu

FAKES = "tests.benchmarks.doctor.fake_steps"
CARD = Gpu(0, "NVIDIA Fake", 40_000, (8, 0), entry="GPU-1234")


@pytest.fixture
def steps():
    """Replace the registry by steps that end in every way; `gpu_only` needs a GPU."""
    fakes = {
        "good": Step("A good step", f"{FAKES}:result", 20, 20),
        "hanging": Step("A step that hangs", f"{FAKES}:hangs", 1, 1),
        "crashing": Step("A step that crashes", f"{FAKES}:crashes", 20, 20),
        "gpu_only": Step("A step for a GPU", f"{FAKES}:result", 20, None),
    }
    real = dict(STEPS)
    STEPS.clear()
    STEPS.update(fakes)
    yield
    STEPS.clear()
    STEPS.update(real)


def examine(monkeypatch, tmp_path, cards, *arguments):
    monkeypatch.setattr(command, "gpus", lambda: cards)
    out = tmp_path / "out" / "doctor.json"
    status = command.main(["--out", str(out), *arguments])
    return status, json.loads(out.read_text()) if out.exists() else None


def test_with_a_gpu_every_step_runs_on_it(steps, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(STEPS, "hanging", STEPS["hanging"]._replace(on_gpu=-18.0))
    status, found = examine(monkeypatch, tmp_path, [CARD])
    states = {name: outcome["state"] for name, outcome in found["steps"].items()}
    assert states == {"good": "ok", "hanging": "stopped", "crashing": "crashed", "gpu_only": "ok"}
    assert status == 1
    assert found["gpu"] is True
    assert found["steps"]["gpu_only"]["rows"][0]["gpu"] is True
    assert found["steps"]["gpu_only"]["rows"][0]["visible"] == "GPU-1234"
    printed, progress = capsys.readouterr()
    assert re.search(r"^good: A good step … ok, \d+ s$", progress, re.MULTILINE)
    assert "crashing: A step that crashes … crashed" in progress
    assert (tmp_path / "out" / "doctor.md").read_text().strip() == printed.strip()
    assert "crashing: ended by signal SIGABRT" in printed


def test_without_a_gpu_its_steps_are_skipped_with_a_word(steps, monkeypatch, tmp_path, capsys):
    status, found = examine(monkeypatch, tmp_path, [], "--only", "gpu_only,good")
    assert status == 0
    assert found["gpu"] is False
    assert found["steps"]["good"]["rows"][0]["gpu"] is False
    assert found["steps"]["good"]["rows"][0]["visible"] == ""
    skipped = found["steps"]["gpu_only"]
    assert (skipped["state"], skipped["reason"], skipped["rows"]) == ("skipped", "needs a GPU", [])
    assert "skipped: needs a GPU" in capsys.readouterr().out


def test_an_examination_survives_its_json(steps, monkeypatch, tmp_path, capsys):
    _, found = examine(monkeypatch, tmp_path, [CARD], "--only", "good,crashing")
    examination = Examination.from_dict(found)
    assert examination.to_dict() == found
    assert describe_examination(examination).strip() == capsys.readouterr().out.strip()
    with pytest.raises(ValueError, match="format 0"):
        Examination.from_dict(found | {"format": 0})


def test_after_ctrl_c_what_was_measured_is_written(steps, monkeypatch, tmp_path):
    real, calls = command.examine, []

    def interrupted(chosen, **options):
        for name, outcome in real(chosen, **options):
            if calls:
                raise KeyboardInterrupt
            calls.append(name)
            yield name, outcome

    monkeypatch.setattr(command, "examine", interrupted)
    status, found = examine(monkeypatch, tmp_path, [CARD], "--only", "good,crashing")
    assert status == 130
    assert list(found["steps"]) == ["good"]


def test_patience_multiplies_the_limits(steps, monkeypatch, tmp_path, capsys):
    status, found = examine(monkeypatch, tmp_path, [CARD], "--only", "good", "--patience", "3")
    assert status == 0
    assert 40 < found["steps"]["good"]["rows"][0]["seconds_left"] <= 60
    assert "time limits × 3" in capsys.readouterr().out
    assert command.main(["--patience", "0"]) == 2


@pytest.mark.parametrize(
    ("only", "message"),
    [("weigths", "did you mean 'weights'?"), (",", "--only names no step")],
)
def test_a_wrong_name_is_one_line(only, message, monkeypatch, tmp_path, capsys):
    status, found = examine(monkeypatch, tmp_path, [], "--only", only)
    assert (status, found) == (2, None)
    assert message in capsys.readouterr().err


def test_shares_fit_into_the_time_that_is_promised():
    assert sum(step.share(gpu=True) for step in STEPS.values()) <= LIMIT_ON_GPU == 8 * 60
    assert sum(step.share(gpu=False) for step in STEPS.values()) <= LIMIT_ON_CPU == 60
