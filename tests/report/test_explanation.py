"""The table of maps: values joined over runs, paired differences, what is said of a blob in the middle."""

import numpy as np
import pytest

from pneumo_tf.report.explanation import COLUMNS, explanation, read_explanations, verdicts
from pneumo_tf.report.explanation_alarm import alarm
from pneumo_tf.report.rows import read_boards
from tests.report.fabricate import RECIPES, fabricate_runs

FILMS = 40


def leave(run, scored, ahead=0.5, masks=True, films=FILMS, shift=0.0):
    """Writes what a worker leaves: Grad-CAM hits `ahead` more often than the blob, which hits one in four."""
    half = films // 2
    chosen = np.concatenate([np.flatnonzero(scored.labels == label)[:half] for label in (0, 1)])
    sick = scored.labels[chosen] == 1
    methods = {}
    for name, title, rate in (
        ("grad_cam", "Grad-CAM", 0.25 + ahead),
        ("centre", "blob in the middle", 0.25),
    ):
        hit = (np.arange(films) % 20 < 20 * rate).astype(float) + shift
        methods[name] = {
            "title": title,
            "border": [round(0.1 + 0.02 * n, 2) for n in range(films)],
            "corners": [0.05] * films,
            "empty": [0.0] * films,
            "deletion": [0.8 - 0.5 * rate if at else None for at in sick],
        }
        if masks:
            methods[name]["pointing"] = [value if at else None for value, at in zip(hit, sick, strict=True)]
            methods[name]["energy"] = [0.5 if at else None for at in sick]
    ids = [scored.ids[at] for at in chosen]
    run.write_json(
        "explanations.json", {"layers": ["relu"], "grid": [7, 7], "films": ids, "methods": methods}
    )


@pytest.fixture
def board(tmp_path):
    return read_boards(fabricate_runs(tmp_path, RECIPES[:2], seeds=2, n_test=120, flawed=False))[0]


def test_a_board_without_measures_has_no_table(board):
    assert explanation(board).markdown() == ""
    assert alarm(board).markdown() == ""
    assert verdicts(board) == []


def test_a_line_per_row_and_method(board):
    leave(board.rows[0].runs[0], board.rows[0].test[0])
    table = explanation(board)
    assert [row[1] for row in table.rows] == ["**Grad-CAM**", "blob in the middle"]
    assert "Energy in lungs ↑" not in table.header
    cells = dict(zip(table.header, table.rows[0], strict=True))
    assert cells["Pointing game ↑"].startswith("0.75 [0.")
    assert cells["Energy in mask ↑"].startswith("0.50")
    assert set(table.header[2:]) <= set(COLUMNS)


def test_the_verdict_follows_the_interval(board):
    row = board.rows[0]
    for ahead, said in ((0.5, "beats"), (0.05, "is not shown to beat"), (-0.25, "is beaten by")):
        leave(row.runs[0], row.test[0], ahead)
        (line,) = verdicts(board)
        assert line.startswith(f"{row.name}: Grad-CAM {said} a blob in the middle in the pointing game")
        assert line.endswith("20 films, maps of 7 × 7 cells.")


def test_without_outlines_deletion_decides(board):
    row = board.rows[0]
    leave(row.runs[0], row.test[0], masks=False)
    assert "Grad-CAM beats a blob in the middle by deletion" in verdicts(board)[0]
    assert "Pointing game ↑" not in explanation(board).header


def test_values_of_a_film_are_averaged_over_runs(board):
    row = board.rows[0]
    leave(row.runs[0], row.test[0])
    before = read_explanations(board)[0].mean("centre", "pointing").value
    leave(row.runs[1], row.test[1], shift=1.0)
    after = read_explanations(board)[0]
    assert after.mean("centre", "pointing").value == pytest.approx(before + 0.5)
    assert after.mean("centre", "pointing").films == 20


def test_runs_with_other_films_add_theirs(board):
    row = board.rows[0]
    leave(row.runs[0], row.test[0], films=10)
    leave(row.runs[1], row.test[1], films=40)
    assert read_explanations(board)[0].mean("grad_cam", "border").films == 40


def test_means_are_of_the_films_of_a_kind(board):
    row = board.rows[0]
    leave(row.runs[0], row.test[0])
    left = read_explanations(board)[0]
    kinds = [left.mean("grad_cam", "pointing", [kind]).films for kind in ("bacteria", "virus", "normal")]
    assert sum(kinds) == 20
    assert kinds[2] == 0


def test_the_alarm_names_the_films_that_are_worst(board):
    row = board.rows[0]
    leave(row.runs[0], row.test[0])
    (line,) = alarm(board).rows
    cells = dict(zip(alarm(board).header, line, strict=True))
    worst = read_explanations(board)[0].ids[-1].rsplit("/", 1)[-1].removesuffix(".jpeg")
    assert cells["Most on the border"].startswith(f"{worst} (0.88)")
    assert cells["normal"].startswith("0.29")
    assert cells["pneumonia"].startswith("0.69")
