"""Standings: rank and letters of the rows of a board, and marks for caveats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.letters import assign_letters
from pneumo_tf.evaluation.ranking import rank_intervals
from pneumo_tf.report.board import Board, Row


@dataclass(frozen=True)
class Standing:
    """A ranked row.

    Args:
        rank: Rank by AUC on the test films, from 1.
        row: The row.
        marks: Keys of `MARKS` that apply.
        gap: Validation AUC minus test AUC, means over runs.
        letters: Compact letter display; rows that share a letter were not shown to differ. None without an
            AUC, or if the board needs more than 52 letters.
        ranks: Interval of the rank, simultaneous for all rows; None without an AUC.
    """

    rank: int
    row: Row
    marks: str
    gap: float
    letters: str | None
    ranks: tuple[int, int] | None


@dataclass(frozen=True)
class Mark:
    """A caveat about a ranked row.

    Args:
        meaning: Explanation in the legend, with the names of `Wording` in braces.
        applies: Whether it applies to a ranked row of a board.
    """

    meaning: str
    applies: Callable[[Board, Row], bool]


def rank_rows(board: Board) -> list[Standing]:
    """Rank the rows of the official protocol, with letters, rank intervals and marks."""
    rows = board.ranking
    if not rows:
        return []
    letters = assign_letters(board.comparison.significant)
    ranks = rank_intervals(board.comparison)
    found = []
    for at, row in enumerate(rows):
        auc = row.estimates["auc"].value
        marks = "".join(symbol for symbol, mark in MARKS.items() if mark.applies(board, row))
        known = bool(np.isfinite(auc))
        found.append(
            Standing(
                at + 1,
                row,
                marks,
                row.validation_auc - auc,
                letters[at] if known and letters else None,
                ranks[at] if known else None,
            )
        )
    return found


def is_official_test(board: Board) -> bool:
    """Return whether the board has the published test films, judged by their counts."""
    tested = next((row.test[0] for row in board.rows if row.ranked), None)
    if tested is None:
        return False
    return tuple(np.bincount(tested.labels, minlength=2)) == board.source.test_counts


def _not_above_trivial(board: Board, row: Row, metrics: Sequence[str]) -> bool:
    """Return whether a model is not shown to beat the best trivial row in one of several metrics."""
    if row.trivial or board.best_trivial is None:
        return False
    return any(row.key not in board.above_trivial[metric] for metric in metrics)


NOT_ABOVE_TRIVIAL, NOT_ABOVE_AT_THRESHOLD, INFORMED, WITHOUT_IMAGENET = "✱", "§", "†", "‡"
MARKS = {
    NOT_ABOVE_TRIVIAL: Mark(
        "not shown to beat the best trivial row: its AUC is not significantly higher by the same test, after "
        "Holm's correction over the models alone.",
        lambda board, row: _not_above_trivial(board, row, ["auc"]),
    ),
    NOT_ABOVE_AT_THRESHOLD: Mark(
        "not shown to beat the trivial row that is best in accuracy at probability 0.5, or the one that is "
        "best in Brier score: {paired} (Durkalski 2003; Liang & Zeger 1986), after Holm's correction over "
        "the models, each metric by itself.",
        lambda board, row: _not_above_trivial(board, row, ["accuracy", "brier"]),
    ),
    INFORMED: Mark(
        "its design follows published results on these test films: its numbers are optimistic.",
        lambda board, row: row.recipe.informed_by_test,
    ),
    WITHOUT_IMAGENET: Mark(
        "the recipe uses ImageNet weights and was run without them.", lambda board, row: row.lacks_imagenet
    ),
}
"""The marks by symbol; a new one is one entry."""
