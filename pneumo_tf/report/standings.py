"""Standings: rank and tier of the rows of a board, and marks for caveats."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.ranking import assign_tiers, rank_intervals
from pneumo_tf.report.board import Board, Row


@dataclass(frozen=True)
class Standing:
    """A ranked row.

    Args:
        rank: Rank by AUC on the test films, from 1.
        row: The row.
        marks: Keys of `MARKS` that apply.
        gap: Validation AUC minus test AUC, means over runs.
        tier: Tier, from 1; rows of a tier do not differ significantly from its first row. None without an
            AUC.
        ranks: Interval of the rank, simultaneous for all rows; None without an AUC.
    """

    rank: int
    row: Row
    marks: str
    gap: float
    tier: int | None
    ranks: tuple[int, int] | None


@dataclass(frozen=True)
class Mark:
    """A caveat about a ranked row.

    Args:
        meaning: Explanation in the legend.
        applies: Whether it applies to a ranked row of a board.
    """

    meaning: str
    applies: Callable[[Board, Row], bool]


def rank_rows(board: Board) -> list[Standing]:
    """Rank the rows of the official protocol, with tiers, rank intervals and marks."""
    rows = board.ranking
    if not rows:
        return []
    tier = assign_tiers(board.comparison.significant)
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
                tier[at] if known else None,
                ranks[at] if known else None,
            )
        )
    return found


def best_trivial(rows: Iterable[Row]) -> Row | None:
    """Return the trivial row with the highest AUC, None if no trivial row has one."""
    trivial = [row for row in rows if row.trivial and np.isfinite(row.estimates["auc"].value)]
    return max(trivial, key=lambda row: row.estimates["auc"].value, default=None)


def beats(board: Board, row: Row, other: Row) -> bool:
    """Return whether the AUC of a ranked row is significantly above that of another one.

    Paired by film, clustered by patient, and corrected for all pairs of the board (Holm).
    """
    places = {ranked.key: place for place, ranked in enumerate(board.ranking)}
    pair = places[row.key], places[other.key]
    return bool(board.comparison.significant[pair] and board.comparison.difference[pair] > 0)


def is_official_test(board: Board) -> bool:
    """Return whether the board has the published test films, judged by their counts."""
    tested = next((row.test[0] for row in board.rows if row.ranked), None)
    if tested is None:
        return False
    return tuple(np.bincount(tested.labels, minlength=2)) == board.source.test_counts


def _not_above_trivial(board: Board, row: Row) -> bool:
    trivial = best_trivial(board.ranking)
    return not row.trivial and trivial is not None and not beats(board, row, trivial)


NOT_ABOVE_TRIVIAL, INFORMED, WITHOUT_IMAGENET = "✱", "†", "‡"
MARKS = {
    NOT_ABOVE_TRIVIAL: Mark(
        "not shown to beat the best trivial row: its AUC is not significantly higher by the same test.",
        _not_above_trivial,
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
