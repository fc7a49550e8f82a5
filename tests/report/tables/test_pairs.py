"""The table of pairs, the line on detectable differences, and the margin of the report."""

import json
import re

import numpy as np
import pytest

from benchmarks.report import main, write_report
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.comparison import SIGNIFICANCE
from pneumo_tf.report.provenance import opening
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.pairs import list_ranks, pairs_table
from tests.report.fabricate import RECIPES, fabricate_runs


def ranks_of(cell):
    spans = [tuple(map(int, span.split("–"))) for span in cell.split(", ") if span]
    return {rank for span in spans for rank in range(span[0], span[-1] + 1)}


def test_every_pair_is_different_equivalent_or_undecided_by_its_intervals(tmp_path):
    (board,) = read_boards(fabricate_runs(tmp_path, n_test=200, flawed=False))
    rows = [[ranks_of(cell) for cell in line[1:]] for line in pairs_table(board).rows]
    everyone = set(range(1, len(rows) + 1))
    for place, (different, equivalent, undecided) in enumerate(rows):
        assert different | equivalent | undecided == everyone - {place + 1}
        assert not undecided & (different | equivalent)
        for other in everyone - {place + 1}:
            pair = place, other - 1
            assert (other in different) == (board.comparison.adjusted[pair] < SIGNIFICANCE)
            low, high = board.comparison.interval(*pair, level=0.9)
            if other in equivalent:
                assert -board.margin < low and high < board.margin
    assert any(different for different, _, _ in rows) and any(undecided for _, _, undecided in rows)


def test_a_margin_makes_pairs_equivalent(tmp_path):
    fabricate_runs(tmp_path / "runs", flawed=False)
    page = write_report(tmp_path / "runs", tmp_path / "wide", margin=0.9).read_text("utf-8")
    assert "Equivalent to, within 0.9" in page
    (board,) = json.loads((tmp_path / "wide" / "leaderboard.json").read_text("utf-8"))["boards"]
    pairs = board["comparisons"]
    assert pairs["margin"] == 0.9
    assert np.max(pairs["auc"]["equivalence_p_holm"]) < SIGNIFICANCE
    part = page.split("### Pairs of rows")[1].split("###")[0]
    assert part.count("| 2–7 |") == 1, "the first row is equivalent to all others"


@pytest.mark.parametrize("margin", ["0", "1", "-0.02", "nan"])
def test_a_margin_out_of_range_is_refused(tmp_path, capsys, margin):
    assert main(["--runs", str(tmp_path), "--out", str(tmp_path), f"--margin={margin}"]) == 2
    assert "it must lie above 0 and below 1" in capsys.readouterr().err
    with pytest.raises(UserError):
        write_report(tmp_path, tmp_path, margin=float(margin))


def test_the_detectable_difference_stands_at_the_top_and_shrinks_with_more_films(tmp_path):
    found = []
    for films in (100, 400):
        (board,) = read_boards(fabricate_runs(tmp_path / str(films), n_test=films, flawed=False))
        (line,) = [line for line in opening(board) if line.startswith("**Detectable difference:**")]
        assert "over 21 pairs" in line
        found.append([float(value) for value in re.findall(r"(0\.\d{3}) \[", line)])
    (few, few_corrected), (many, many_corrected) = found
    assert many < few < few_corrected
    assert many < many_corrected < few_corrected


def test_a_single_row_has_no_pair(tmp_path):
    (board,) = read_boards(fabricate_runs(tmp_path, RECIPES[2:3], flawed=False))
    assert pairs_table(board).rows == []
    assert not any("Detectable" in line for line in opening(board))


@pytest.mark.parametrize(("ranks", "text"), [([], ""), ([3], "3"), ([1, 2, 4, 6, 7, 8], "1–2, 4, 6–8")])
def test_ranks_are_listed_as_ranges(ranks, text):
    assert list_ranks(ranks) == text
