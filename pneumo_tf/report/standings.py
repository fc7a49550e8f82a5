"""Where the rows of a board stand: their rank, and the marks that say how far to trust it."""

from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.ranking import rank_intervals, tiers
from pneumo_tf.report.board import Board, Row

NOT_ABOVE_TRIVIAL, INFORMED, WITHOUT_IMAGENET = "✱", "†", "‡"


@dataclass(frozen=True)
class Standing:
    """A ranked row.

    Args:
        rank: From 1, by AUC on the test films.
        row: The row.
        marks: What is to be said of it, as characters.
        gap: Validation AUC minus test AUC, means over runs.
        tier: From 1; rows of a tier are not told apart from its first. None without an AUC.
        ranks: The 95 % interval of the rank, None without an AUC.
    """

    rank: int
    row: Row
    marks: str
    gap: float
    tier: int | None
    ranks: tuple[int, int] | None


def standings(board: Board) -> list[Standing]:
    """Gives the ranked rows their tiers, rank intervals and marks."""
    rows, trivial = board.ranking, best_trivial(board)
    if not rows:
        return []
    tier = tiers(board.comparison.significant)
    ranks = rank_intervals([row.estimates["auc"].replicates for row in rows])
    found = []
    for at, row in enumerate(rows):
        auc = row.estimates["auc"].value
        above = trivial is None or beats(board, row, trivial)
        gap = row.validation_auc - auc
        known = bool(np.isfinite(auc))
        found.append(
            Standing(
                at + 1,
                row,
                _marks(row, above),
                gap,
                tier[at] if known else None,
                ranks[at] if known else None,
            )
        )
    return found


def best_trivial(board: Board) -> Row | None:
    """The ranked trivial row of the highest AUC."""
    rows = (row for row in board.ranking if row.trivial and np.isfinite(row.estimates["auc"].value))
    return next(rows, None)


def beats(board: Board, row: Row, other: Row) -> bool:
    """Whether the AUC of a ranked row is significantly above that of another one.

    Paired by film, clustered by patient, and corrected for all pairs of the board (Holm).
    """
    places = {ranked.key: place for place, ranked in enumerate(board.ranking)}
    pair = places[row.key], places[other.key]
    return bool(board.comparison.significant[pair] and board.comparison.difference[pair] > 0)


def is_official_test(board: Board) -> bool:
    """Whether the board stands on the published test films of its dataset, by their counts."""
    tested = next((row.test[0] for row in board.rows if row.ranked), None)
    if tested is None:
        return False
    return tuple(np.bincount(tested.labels, minlength=2)) == board.source.test_counts


def _marks(row: Row, above_trivial: bool) -> str:
    marks = ""
    if not row.trivial and not above_trivial:
        marks += NOT_ABOVE_TRIVIAL
    if row.recipe.informed_by_test:
        marks += INFORMED
    if row.recipe.initial == "imagenet" and row.initial == "random":
        marks += WITHOUT_IMAGENET
    return marks
