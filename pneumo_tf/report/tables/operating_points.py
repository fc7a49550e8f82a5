"""The table of operating points: thresholds chosen on validation films, and rates achieved on test films."""

from pneumo_tf.evaluation.operating_points import POINTS, measure_operating_point
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import format_number, format_signed
from pneumo_tf.report.tuned import TUNED_ON, tuned_models

LEAD = (
    f"Thresholds are chosen {TUNED_ON}. Sensitivity / specificity achieved on the test films, means over "
    "models; in brackets, the difference to those on the films on which the threshold was chosen."
)
DECIMALS = 2


def operating_points_table(board: Board) -> Table:
    """Return a table with a line for each of `tuned_models`."""
    lines = []
    for models in tuned_models(board):
        cells = []
        for name in POINTS:
            point = measure_operating_point(name, models.tuning, models.test)
            achieved = " / ".join(format_number(rate, DECIMALS) for rate in point.test)
            drift = " / ".join(format_signed(change, DECIMALS) for change in point.drift)
            cells.append(f"{achieved} ({drift})")
        lines.append((models.name, *cells))
    return Table(("Recipe", *(point.title for point in POINTS.values())), lines)
