"""The tables of operating points: what thresholds keep of their promise, and PPV and NPV elsewhere."""

from collections.abc import Callable, Sequence

from pneumo_tf.evaluation.operating_points import (
    POINTS,
    PREVALENCES,
    measure_operating_point,
    predictive_values,
)
from pneumo_tf.report.board import Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import format_number, format_signed
from pneumo_tf.report.tuned import Judged, where_fixed

PREVALENCE_LEAD = (
    "PPV / NPV at probability 0.5 where another share of the children has pneumonia, from sensitivity and "
    "specificity on the test films."
)


def points_lead(rows: Sequence[Judged]) -> str:
    """How to read `operating_points`."""
    return (
        "Sensitivity / specificity on the test films, means over models; in brackets the drift from what the "
        f"same threshold promised where alone it was fixed: {where_fixed(rows)}."
    )


def operating_points(rows: Sequence[Judged]) -> Table:
    """What thresholds that were fixed on other films keep on test films."""
    lines = []
    for row in rows:
        found = [measure_operating_point(name, row.tuning, row.test) for name in POINTS]
        cells = (f"{_pair(p.test, format_number)} ({_pair(p.drift, format_signed)})" for p in found)
        lines.append((row.name, *cells))
    return Table(("Recipe", *(point.title for point in POINTS.values())), lines)


def prevalences(rows: Sequence[Row]) -> Table:
    """PPV and NPV at the board's operating point, restated for other shares of pneumonia."""
    lines = []
    for row in rows:
        rates = [row.estimates[name].value for name in ("sensitivity", "specificity")]
        values = [predictive_values(*rates, prevalence) for prevalence in PREVALENCES]
        lines.append((row.name, *(_pair(value, format_number, decimals=3) for value in values)))
    return Table(("Recipe", *(f"{100 * share:g} % pneumonia" for share in PREVALENCES)), lines)


def _pair(pair: tuple[float, float], show: Callable[[float, int], str], decimals: int = 2) -> str:
    return " / ".join(show(value, decimals) for value in pair)
