"""The tables of rows that distinguish normal, bacterial and viral pneumonia."""

from typing import Any

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.one_vs_rest import CLASSES, ThreeClasses, has_three_classes, measure_three_classes
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import difference_with_interval, supported_decimals, with_interval

LEAD = (
    "Rows with logits of normal, bacteria and virus; the subtypes are those of the source. AUC of a class: "
    "its films against all others. Macro AUC: unweighted mean of the three. Accuracy: the class with the "
    "largest logit. Balanced accuracy: unweighted mean over the classes. [95 %]: as in the ranking. The "
    "score of pneumonia of such a row, on every other table, is the logarithm of the odds of bacteria or "
    "virus; the second table compares it with the same recipe trained on two classes, paired by film."
)
HEADER = (
    "Recipe",
    "Macro AUC [95 %]",
    *(f"AUC of {name} [95 %]" for name in CLASSES),
    "Accuracy [95 %]",
    "Balanced accuracy [95 %]",
)
HEADER_OF_SCORES = (
    "Recipe",
    "AUC of pneumonia [95 %]",
    "Recipe of two classes",
    "Its AUC [95 %]",
    "Difference [95 %]",
)


def three_classes_tables(board: Board) -> list[Table]:
    """Return the table of the three classes, and that of their score of pneumonia."""
    rows = [row for row in board.ranking if has_three_classes(row.test)]
    return [_measures_table(rows), _scores_table(board, rows)]


def _measures_table(rows: list[Row]) -> Table:
    measured = [measure_three_classes(row.test, row.bootstrap) for row in rows]
    decimals = supported_decimals([one.macro_auc.half_width for one in measured], 2)
    lines = []
    for row, one in zip(rows, measured, strict=True):
        cells = (with_interval(estimate, decimals) for estimate in _estimates(one))
        lines.append((row.name, *cells))
    return Table(HEADER, lines)


def _estimates(measured: ThreeClasses) -> tuple[Estimate, ...]:
    return (measured.macro_auc, *measured.auc.values(), measured.accuracy, measured.balanced_accuracy)


def _scores_table(board: Board, rows: list[Row]) -> Table:
    places = {row.key: place for place, row in enumerate(board.ranking)}
    lines = []
    for row in rows:
        for twin in board.ranking:
            if not _is_twin(row, twin):
                continue
            interval = board.comparison.interval(places[row.key], places[twin.key])
            difference = board.comparison.difference[places[row.key], places[twin.key]]
            decimals = supported_decimals([(interval[1] - interval[0]) / 2], 3)
            aucs = [with_interval(one.estimates["auc"], decimals) for one in (row, twin)]
            gain = difference_with_interval(difference, interval, decimals)
            lines.append((row.name, aucs[0], twin.name, aucs[1], gain))
    return Table(HEADER_OF_SCORES, lines)


def _is_twin(row: Row, other: Row) -> bool:
    """Return whether another row has the same recipe with fewer logits."""
    return other.recipe.head.classes < 3 and _without_classes(row) == _without_classes(other)


def _without_classes(row: Row) -> dict[str, Any]:
    values = row.recipe.distinctive()
    head = {name: value for name, value in values.get("head", {}).items() if name != "classes"}
    return {name: value for name, value in values.items() if name not in ("name", "head")} | {"head": head}
