"""Where the rows of a board stand: their rank, and the marks that say how far to trust it."""

from dataclasses import dataclass

import numpy as np

from pneumo_tf.report.rows import Board, Row

NOT_ABOVE_TRIVIAL, INFORMED, WITHOUT_IMAGENET = "✱", "†", "‡"
OFFICIAL_TEST = (234, 390)
"""Normals and pneumonias of the official test folder of the Kermany set."""
BEYOND_HONEST = 0.97
"""Accuracy on those films above which no published result is known to be honest."""


@dataclass(frozen=True)
class Standing:
    """A ranked row.

    Args:
        rank: From 1, by AUC on the test films.
        row: The row.
        marks: What is to be said of it, as characters.
        gap: Validation AUC minus test AUC, means over runs.
    """

    rank: int
    row: Row
    marks: str
    gap: float


def standings(board: Board) -> list[Standing]:
    """Ranks the done rows of the official protocol by AUC; rows without an AUC come last."""
    rows = sorted((row for row in board.rows if row.ranked), key=lambda row: (-_auc(row), row.name))
    trivial = best_trivial(board)
    return [
        Standing(rank, row, _marks(row, trivial), row.validation_auc - row.estimates["auc"].value)
        for rank, row in enumerate(rows, start=1)
    ]


def best_trivial(board: Board) -> Row | None:
    """The ranked trivial row of the highest AUC."""
    rows = [row for row in board.rows if row.ranked and row.trivial and np.isfinite(_auc(row))]
    return max(rows, key=_auc, default=None)


def beats(row: Row, trivial: Row) -> bool:
    """Whether the 95 % intervals of the AUC of a row and of a trivial row are apart, the row's above.

    Stricter than a paired comparison: a row that fails here may still differ.
    """
    return bool(row.estimates["auc"].low > trivial.estimates["auc"].high)


def is_official_test(board: Board) -> bool:
    """Whether the board stands on the real official test films, by their counts."""
    tested = next((row.test[0] for row in board.rows if row.ranked), None)
    if tested is None or board.synthetic:
        return False
    return tuple(np.bincount(tested.labels, minlength=2)) == OFFICIAL_TEST


def _auc(row: Row) -> float:
    value = row.estimates["auc"].value
    return value if np.isfinite(value) else -1.0


def _marks(row: Row, trivial: Row | None) -> str:
    marks = ""
    if not row.trivial and trivial is not None and not beats(row, trivial):
        marks += NOT_ABOVE_TRIVIAL
    if row.recipe.informed_by_test:
        marks += INFORMED
    if row.recipe.initial == "imagenet" and row.initial == "random":
        marks += WITHOUT_IMAGENET
    return marks
