"""The table of PPV and NPV at other prevalences of pneumonia."""

from pneumo_tf.evaluation.operating_points import PREVALENCES, predictive_values
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import format_number

LEAD = (
    "PPV / NPV at probability 0.5 if another share of the films shows pneumonia, from sensitivity and "
    "specificity on the test films."
)
DECIMALS = 3


def prevalences_table(board: Board) -> Table:
    """Return a table with a line for each ranked row."""
    lines = []
    for row in board.ranking:
        rates = [row.estimates[name].value for name in ("sensitivity", "specificity")]
        values = [predictive_values(*rates, prevalence) for prevalence in PREVALENCES]
        cells = (" / ".join(format_number(value, DECIMALS) for value in pair) for pair in values)
        lines.append((row.name, *cells))
    return Table(("Recipe", *(f"{100 * share:g} % pneumonia" for share in PREVALENCES)), lines)
