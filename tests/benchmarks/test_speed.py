"""The command that measures speed, its table and its page."""

import json
import re
import signal
from pathlib import Path

import pytest

from benchmarks.doctor.registry import STEPS
from benchmarks.speed import __main__ as command
from benchmarks.speed import child, entries, page
from benchmarks.speed.entries import Entry
from benchmarks.speed.gpu_claims import GPU_CLAIMS, claims_table
from benchmarks.speed.machine import warn_if_busy
from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.table import list_notes, tabulate_speed
from benchmarks.speed.timing import Line, films_per_second, time_in_turns
from pneumo_tf.errors import UserError
from tests.benchmarks.test_speed_measurements import TINY

ROOT = Path(__file__).parents[2]


class Watch:
    """A clock that moves only when work is done."""

    def __init__(self):
        self.now, self.done = 0.0, []

    def work(self, name, *seconds):
        seconds = iter(seconds)

        def turn():
            self.done.append(name)
            self.now += next(seconds)

        return turn

    def __call__(self):
        return self.now


def test_alternatives_take_turns_and_the_first_round_does_not_count():
    watch = Watch()
    turns = time_in_turns((watch.work("a", 9, 1, 2, 3), watch.work("b", 99, 10, 20, 30)), 3, watch)
    assert watch.done == list("abababab")
    assert turns == [(1, 2, 3), (10, 20, 30)]
    assert films_per_second(60, turns[1]) == (6, 3, 2)


def test_a_alternative_that_prepares_first_returns_what_counts():
    watch = Watch()
    ready = watch.work("a", 5, 5, 5)
    assert time_in_turns([lambda: ready() or 0.5], 2, watch) == [(0.5, 0.5)]


def test_a_ratio_above_one_is_always_better():
    rate = Line("x", "films/s", (10.0, 30.0, 20.0), (5.0, 10.0, 20.0), at_least=2.0)
    assert rate.ratios == (2.0, 3.0, 1.0)
    assert rate.met
    seconds = Line("x", "s", (1.0, 2.0, 4.0), (8.0, 8.0, 8.0), at_least=4.1)
    assert seconds.ratios == (8.0, 4.0, 2.0)
    assert seconds.met is False
    assert Line("x", "s", (0.5, 3.0, 0.7), at_most=0.7).met
    assert Line("x", "s", (0.5, 3.0, 0.8), at_most=0.7).met is False
    assert Line("x", "s", (1.0,), (2.0,)).met is None
    assert Line("x").met is None


LINES = [
    (
        "a",
        Line("pipeline", "films/s", (1200.0, 1000.0, 1100.0), (100.0, 110.0, 50.0), at_least=12, note="how."),
    ),
    ("e", Line("scoring", "s", (0.05, 0.04, 0.5), at_most=1.0)),
    ("h", command.NEEDS_GPU),
]


def test_the_table_shows_medians_spread_and_verdict():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tabulate_speed(LINES).splitlines()]
    assert rows[0] == ["", "What", "Ours", "Theirs", "Ratio", "Target", "Met"]
    assert rows[2] == ["(a)", "pipeline", "1,100 films/s", "100", "12.0 [9.09–22.0]", "≥ 12", "yes"]
    assert rows[3] == ["(e)", "scoring", "0.050 s", "–", "–", "≤ 1 s", "yes"]
    assert rows[4] == ["(h)", "open: needs a GPU", "–", "–", "–", "–", "open"]
    assert len({len(line) for line in tabulate_speed(LINES).splitlines()}) == 1
    assert list_notes(LINES)[0] == "(a) pipeline: how."


def measured(monkeypatch, tmp_path, *arguments, lines=LINES, fail=None, error=KeyboardInterrupt):
    """Runs the command on entries that measure nothing; returns its status and what it wrote."""

    def measure(letter):
        def of(setup):
            yield from (line for of, line in lines if of == letter)
            if letter == fail:
                raise error

        return of

    stubs = {letter: Entry("stub", "", gpu=letter == "h") for letter, _ in lines}
    monkeypatch.setattr(entries, "ENTRIES", stubs)
    monkeypatch.setattr(command, "ENTRIES", stubs)
    monkeypatch.setattr(Entry, "resolve", lambda entry: measure(next(k for k in stubs if stubs[k] is entry)))
    monkeypatch.setattr(command, "gpus", list)
    monkeypatch.setattr(command, "_make_setup", lambda options, *_: stub_setup(options))
    file = tmp_path / "figures.json"
    status = command.main(["--json", str(file), "--out", str(tmp_path), *arguments])
    return status, json.loads(file.read_text("utf-8")) if file.exists() else None


def stub_setup(options):
    from pneumo_tf.data.datasets.dataset import Dataset
    from pneumo_tf.data.films import Films

    return Setup(
        Dataset("x", "Films", None, Films(())), False, options.out, None, options.repeat, TINY, print
    )


def test_table_and_json_agree(monkeypatch, tmp_path, capsys):
    status, written = measured(monkeypatch, tmp_path, "--repeat", "3")
    assert status == 0
    assert tabulate_speed(LINES) in capsys.readouterr().out
    assert [(line["letter"], Line.from_dict(line)) for line in written["lines"]] == LINES
    first = written["lines"][0]
    assert (first["median"]["ours"], first["median"]["ratio"], first["met"]) == (1100, 12, True)
    assert written["repeat"] == 3
    assert written["machine"]["cores"] >= 1


def test_only_chosen_rows_are_measured(monkeypatch, tmp_path):
    _, written = measured(monkeypatch, tmp_path, "--only", "h,e")
    assert [line["letter"] for line in written["lines"]] == ["e", "h"]


def test_ctrl_c_leaves_what_was_measured(monkeypatch, tmp_path, capsys):
    status, written = measured(monkeypatch, tmp_path, fail="a")
    assert status == 130
    assert [line["letter"] for line in written["lines"]] == ["a"]
    assert "| (a) | pipeline |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError("of 8 GB\nand more"), "MemoryError: of 8 GB"),
        (UserError("needs Pillow: pip install it"), "needs Pillow: pip install it"),
    ],
)
def test_what_cannot_be_measured_is_a_line_and_the_others_are_measured(
    monkeypatch, tmp_path, capsys, error, reason
):
    status, written = measured(monkeypatch, tmp_path, fail="a", error=error)
    assert status == 1
    assert [line["letter"] for line in written["lines"]] == ["a", "a", "e", "h"]
    assert written["lines"][1]["note"] == f"not measured: {reason}."
    assert "| (a) | open: stub |" in " ".join(capsys.readouterr().out.split())


def test_a_child_leaves_the_gpu_to_the_process_that_measures(tmp_path, monkeypatch):
    (tmp_path / "looker.py").write_text("import os; print(repr(os.environ['CUDA_VISIBLE_DEVICES']))")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert child.run_child("looker", [], memory=False).output == "''\n"


def test_a_child_does_not_outlive_ctrl_c(tmp_path, monkeypatch):
    def interrupted(process, flags):
        raise KeyboardInterrupt

    (tmp_path / "sleeper.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child.os, "wait4", interrupted)
    started = []
    popen = child.subprocess.Popen
    monkeypatch.setattr(
        child.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0]
    )
    with pytest.raises(KeyboardInterrupt):
        child.run_child("sleeper", [])
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c"], "unexpected 'c'; rows are chosen with --only c"),
        (["--only", "z"], "unknown row 'z'; known: a, b"),
        (["--only", ","], "--only names no row"),
        (["--repeat", "0"], "--repeat: must be at least 1, not 0"),
        (["--weights", "nowhere"], "--weights nowhere: no such folder"),
        (["--json", "nowhere/x.json"], "there is no folder nowhere"),
    ],
)
def test_wrong_use_is_one_line_before_any_film_is_read(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr(command, "_make_setup", lambda *_: pytest.fail("read films"))
    assert command.main(arguments) == 2
    captured = capsys.readouterr().err
    assert message in captured
    assert captured.startswith("error: ")
    assert captured.count("\n") == 1


def test_a_busy_machine_is_reported():
    assert warn_if_busy({"load_per_core": 0.1}) == ""
    assert "load 0.8 per core" in warn_if_busy({"load_per_core": 0.8})


def test_every_entry_can_be_resolved():
    for entry in entries.ENTRIES.values():
        module, name = entry.function.split(":")
        assert callable(entry.resolve()), f"{module} has no {name}"


def test_the_page_is_written_from_figures_and_twice_the_same(tmp_path, monkeypatch):
    figures = tmp_path / "speed"
    figures.mkdir()
    _, written = measured(monkeypatch, tmp_path)
    (figures / "laptop.json").write_text(json.dumps(written), "utf-8")
    text = "".join(f"above\n<!-- {part}: how -->\nSTALE\n<!-- /{part} -->\nbelow\n" for part in page.PARTS)
    (tmp_path / "speed.md").write_text(text, "utf-8")
    assert page.main(["--page", str(tmp_path / "speed.md"), "--figures", str(figures)]) == 0
    first = (tmp_path / "speed.md").read_text("utf-8")
    page.write_page(tmp_path / "speed.md", figures)
    assert (tmp_path / "speed.md").read_text("utf-8") == first
    assert "STALE" not in first
    assert tabulate_speed(LINES) in first
    assert written["machine"]["date"] in first
    assert re.search(r"### CPU, no NVIDIA GPU\n", first)
    assert claims_table() in first


def test_a_page_without_marks_or_a_broken_file_is_one_line(tmp_path, capsys):
    (tmp_path / "speed.md").write_text("nothing here\n", "utf-8")
    arguments = ["--page", str(tmp_path / "speed.md"), "--figures", str(tmp_path)]
    assert page.main(arguments) == 2
    assert "lacks the marks of figures" in capsys.readouterr().err
    (tmp_path / "speed.md").write_text("<!-- figures: how -->\n<!-- /figures -->\n", "utf-8")
    (tmp_path / "x.json").write_text('{"lines": []}', "utf-8")
    assert page.main(arguments) == 2
    assert "x.json was not written by benchmarks.speed --json" in capsys.readouterr().err


def test_every_claim_about_gpus_names_tests_and_steps_that_are_there():
    for claim in GPU_CLAIMS:
        for test in claim.tests:
            file, _, function = test.partition("::")
            assert f"def {function}(" in (ROOT / file).read_text("utf-8"), f"no {test}"
        named = claim.decided_by.partition("doctor:")[2].partition(";")[0]
        assert set(re.findall(r"`(\w+)`", named)) <= set(STEPS), claim.decided_by
    assert len({claim.claim for claim in GPU_CLAIMS}) == len(GPU_CLAIMS)


def test_the_stored_page_is_what_the_stored_figures_give(tmp_path):
    stored = ROOT / "docs" / "speed.md"
    copy = tmp_path / "speed.md"
    copy.write_text(stored.read_text("utf-8"), "utf-8")
    page.write_page(copy, ROOT / "docs" / "speed")
    assert copy.read_text("utf-8") == stored.read_text("utf-8")
