from pathlib import Path

import pytest

from benchmarks.reference import boards_text, main, store_runs, write_boards
from pneumo_tf.errors import UserError
from pneumo_tf.report.reading import read_boards
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs
from tests.report.fabricate import fabricate_runs

ROOT = Path(__file__).parents[2]


def test_kept_runs_make_the_same_board_without_models_and_logs(tmp_path):
    runs, reference = tmp_path / "runs", tmp_path / "reference"
    fabricate_runs(runs)
    done = [folder for folder in Runs(runs) if folder.state == "done"]
    (done[0].path / "model.keras").write_bytes(b"large")
    done[0].write_json("explanations.json", {"grid": [7, 7]})
    assert store_runs(runs, reference) == len(done)
    names = {path.name for path in reference.rglob("*")}
    assert "model.keras" not in names
    assert "log.txt" not in names
    assert "explanations.json" not in names
    assert RunFolder(reference / done[0].path.name).read_json("explanations.json") == {"grid": [7, 7]}
    before = {row.name: row for board in read_boards(Runs(runs)) for row in board.rows if row.runs}
    after = {row.name: row for board in read_boards(Runs(reference)) for row in board.rows}
    assert set(after) == set(before)
    for name, row in after.items():
        assert row.estimates["auc"] == before[name].estimates["auc"]


def test_the_page_is_written_between_its_marks_and_twice_the_same(tmp_path):
    fabricate_runs(tmp_path / "runs")
    store_runs(tmp_path / "runs", tmp_path / "reference")
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- boards: how -->\nSTALE\n<!-- /boards -->\nbelow\n")
    write_boards(page, tmp_path / "reference")
    first = page.read_text()
    write_boards(page, tmp_path / "reference")
    assert page.read_text() == first
    assert first.startswith("above\n<!-- boards: how -->\n")
    assert first.endswith("<!-- /boards -->\nbelow\n")
    assert "| Recipe |" in first
    assert "STALE" not in first


def test_a_page_without_marks_is_left_alone(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(UserError, match="lacks the marks of boards"):
        write_boards(page, tmp_path)
    assert main(["--readme", str(page)]) == 2
    assert page.read_text() == "nothing here\n"


def test_readme_shows_the_results_of_the_reference_runs():
    text = (ROOT / "README.md").read_text("utf-8")
    assert boards_text(ROOT / "outputs" / "reference") in text
