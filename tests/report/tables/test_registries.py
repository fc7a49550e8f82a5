"""A column of the ranking and a table of the page are one entry each."""

import csv
import json

import pytest

from pneumo_tf.report.markdown import Table
from pneumo_tf.report.page import write_leaderboard
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.section import LinkedPicture, Section
from pneumo_tf.report.tables.first_rows import first_rows
from pneumo_tf.report.tables.ranking import COLUMNS, Column
from pneumo_tf.report.tables.registry import TABLES, TableEntry
from tests.report.fabricate import RECIPES, fabricate_runs
from tests.report.test_board_page import section, tables

NETS = RECIPES[2:4]


@pytest.fixture
def runs(tmp_path):
    return fabricate_runs(tmp_path / "runs", NETS, 1, n_test=60, n_train=120, flawed=False)


def write(runs, tmp_path):
    return write_leaderboard(read_boards(runs), tmp_path).read_text("utf-8")


def test_a_column_is_one_entry_for_page_legend_csv_and_json(runs, tmp_path, monkeypatch):
    batch = Column(
        "Batch",
        lambda ranked: [f"{standing.row.recipe.batch} films" for standing in ranked],
        ("Batch: films of a step.",),
        export=lambda row, standing: row.recipe.batch,
    )
    monkeypatch.setitem(COLUMNS, "batch", batch)
    text = section(write(runs, tmp_path), "Ranking")
    header, _, *lines = next(tables(text))
    expected = [recipe.batch for recipe in NETS]
    assert header[-1].strip() == "Batch"
    assert [line[-1].strip() for line in lines] == [f"{batch} films" for batch in expected]
    assert text.count("- Batch: films of a step.") == 1
    with (tmp_path / "leaderboard.csv").open(encoding="utf-8") as file:
        assert {line["batch"] for line in csv.DictReader(file)} == set(map(str, expected))
    (board,) = json.loads((tmp_path / "leaderboard.json").read_text("utf-8"))["boards"]
    assert [row["batch"] for row in board["rows"]] == expected


def test_every_exported_column_is_a_key_of_csv_and_json(runs, tmp_path):
    write(runs, tmp_path)
    exported = {key for key, column in COLUMNS.items() if column.export}
    assert exported >= {"recipe", "letters", "initial"}
    with (tmp_path / "leaderboard.csv").open(encoding="utf-8") as file:
        assert exported <= set(csv.DictReader(file).fieldnames)
    (board,) = json.loads((tmp_path / "leaderboard.json").read_text("utf-8"))["boards"]
    assert all(exported <= row.keys() for row in board["rows"])


@pytest.mark.parametrize("above", [True, False])
def test_a_table_is_one_entry_and_is_at_its_place(runs, tmp_path, monkeypatch, above):
    def of_names(board):
        return Table(("Recipe",), [(row.name,) for row in board.rows])

    monkeypatch.setitem(TABLES, "names", TableEntry("Names", of_names, "All of them.", above))
    boards = read_boards(runs)
    figures = [[Section("Curves", [LinkedPicture("figures/roc.png", "ROC")])]]
    text = write_leaderboard(boards, tmp_path, figures).read_text("utf-8")
    part = section(text, "Names")
    assert "All of them." in part
    assert [line[0].strip() for line in next(tables(part))[2:]] == [row.name for row in boards[0].rows]
    assert (text.index("### Names") < text.index("### Curves")) == above


def test_tables_without_rows_have_no_heading(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(TABLES, "names", TableEntry("Names", lambda board: Table(("Recipe",), []), "None."))
    monkeypatch.setitem(TABLES, "several", TableEntry("Several", lambda board: []))
    text = write(runs, tmp_path)
    assert "Names" not in text
    assert "Several" not in text


def test_several_tables_of_an_entry_have_headings_of_their_own(runs, tmp_path, monkeypatch):
    parts = [Table(("A",), [("1",)], title="First", lead="Of one."), Table(("A",), [("2",)], title="Second")]
    monkeypatch.setitem(TABLES, "parts", TableEntry("Parts", lambda board: parts))
    text = write(runs, tmp_path)
    assert text.index("### Parts") < text.index("#### First") < text.index("#### Second")
    assert section(text, "First").strip() == "Of one.\n\n| A |\n| :-- |\n| 1 |"


def test_tables_that_take_long_show_the_first_rows():
    rows = list(range(60))
    shown, notes = first_rows(rows)
    assert shown == rows[:50] and notes == ["The first 50 of 60 rows."]
    assert first_rows(rows[:50]) == (rows[:50], [])
