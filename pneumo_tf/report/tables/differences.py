"""The table of differences to the first row of a ranking, paired by film."""

import numpy as np

from pneumo_tf.evaluation.intervals import percentile_interval
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.evaluation.proportion_comparison import COUNTED_LABEL, compare_proportion
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import (
    difference_with_interval,
    format_p,
    format_signed,
    supported_decimals,
)

LEAD = (
    "Each row minus the first row of the ranking, on the same films; p after Holm's correction over all "
    "pairs of the board, each metric by itself. AUC: Obuchowski 1997, the interval of this pair alone. "
    "Accuracy, sensitivity and specificity at probability 0.5: the difference over films, with p by "
    "Durkalski 2003, which weights every {unit} equally. F1: 95 % of the paired replicates of {unit}s. "
    "The variance between seeds, if there are several, is part of every test."
)


def differences_table(board: Board) -> Table:
    """Return a table that compares every ranked row with the first; empty if there is nothing to compare."""
    rows = board.ranking
    titles = [f"{METRICS[name].title}, p" for name in COUNTED_LABEL]
    header = ("Recipe", "AUC [95 %]", "AUC, p", *titles, "F1 [95 %]")
    if len(rows) < 2 or not np.isfinite(rows[0].estimates["auc"].value):
        return Table(header, [])
    # One metric at a time, because all pairs of thousands of rows need much memory.
    shares = {
        name: compare_proportion([row.test for row in rows], name).adjusted[:, 0].copy()
        for name in COUNTED_LABEL
    }
    aucs = [board.comparison.interval(place, 0) for place in range(1, len(rows))]
    decimals = supported_decimals([(high - low) / 2 for low, high in aucs], 3)
    lines = []
    for place, row in enumerate(rows[1:], start=1):
        plain = (_proportion(board, place, name, shares[name], decimals) for name in COUNTED_LABEL)
        auc = difference_with_interval(board.comparison.difference[place, 0], aucs[place - 1], decimals)
        p = format_p(board.comparison.adjusted[place, 0])
        lines.append((row.name, auc, p, *plain, _f1(board, place, decimals)))
    return Table(header, lines)


def _proportion(board: Board, place: int, name: str, shares: np.ndarray, decimals: int) -> str:
    value = board.ranking[place].estimates[name].value - board.ranking[0].estimates[name].value
    return f"{format_signed(value, decimals)}, {format_p(shares[place])}"


def _f1(board: Board, place: int, decimals: int) -> str:
    own, first = (board.ranking[at].estimates["f1"] for at in (place, 0))
    interval = percentile_interval(own.replicates.astype(np.float64) - first.replicates)
    return difference_with_interval(own.value - first.value, interval, decimals)
