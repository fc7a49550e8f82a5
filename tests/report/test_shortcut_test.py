"""The sentence on rows without lungs: where they come near the best network, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.report.board import RowMetrics
from pneumo_tf.report.provenance import warnings
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.shortcut_test import describe_shortcuts
from tests.report.fabricate import RECIPES, fabricate_runs


def with_aucs(board, network, border, thumbnail=0.8, width=0.05):
    """The board with a network and two trivial rows of given AUCs."""
    aucs = {"network": network, "border": border, "thumbnail": thumbnail}
    first, second, third = board.rows[:3]
    recipes = {
        "network": first.recipe,
        "border": replace(first.recipe, name="border", architecture="border", phases=()),
        "thumbnail": replace(first.recipe, name="thumbnail", architecture="thumbnail", phases=()),
    }
    rows = []
    for (name, auc), row in zip(aucs.items(), (first, second, third), strict=True):
        estimate = Estimate(auc, auc - width, auc + width, np.nan, (auc,))
        metrics = RowMetrics({**row.estimates, "auc": estimate}, auc)
        rows.append(replace(row, name=name, recipe=recipes[name], known_metrics=metrics))
    return replace(board, rows=tuple(rows))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return read_boards(fabricate_runs(tmp_path_factory.mktemp("runs"), RECIPES[:3], 1, flawed=False))[0]


@pytest.mark.parametrize(
    ("network", "border", "width", "found"),
    [
        (0.90, 0.75, 0.05, True),
        (0.90, 0.69, 0.05, False),  # less than half of the lead of 0.4
        (0.60, 0.58, 0.05, True),
        (0.60, 0.58, 0.09, False),  # may be chance
        (0.50, 0.50, 0.05, False),
        (0.70, 0.95, 0.04, True),
    ],
)
def test_near_is_half_of_the_lead_over_chance(board, network, border, width, found):
    sentences = list(describe_shortcuts(with_aucs(board, network, border, width=width)))
    assert bool(sentences) == found
    if found:
        (text,) = sentences
        assert "(protocol official)" in text and f"border {border:.2f}" in text
        assert f"network {network:.2f}" in text and "thumbnail 0.80" in text


def test_a_row_that_shows_lungs_is_no_shortcut(board):
    assert list(describe_shortcuts(with_aucs(board, 0.9, 0.5, thumbnail=0.95))) == []


def test_without_a_network_there_is_nothing_to_compare(board):
    near = with_aucs(board, 0.9, 0.8)
    assert list(describe_shortcuts(replace(near, rows=near.rows[1:]))) == []


def test_it_is_among_the_warnings_of_a_board(board):
    lines = warnings(with_aucs(board, 0.9, 0.8))
    assert any(line.startswith("**Shortcut test**") for line in lines)
