"""Scale of an axis: an outlier among the trivial rows does not stretch it."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.report.board import Row
from pneumo_tf.report.standings import best_trivial

STRETCH = 2.0
"""How many times as long as without the other trivial rows they may make a scale."""

SHORTEST = 0.1
"""Least length of a scale before it is stretched."""


def rows_of_scale(rows: Sequence[Row], metric: str) -> list[bool]:
    """Return for each row whether the scale of a metric reaches to it.

    It reaches to every trained row and to the best trivial one; to another trivial row if its interval
    lies near enough. Without a trained row it reaches to all.
    """
    spans = [_span(row, metric) for row in rows]
    best = best_trivial(rows)
    base = [span for row, span in zip(rows, spans, strict=True) if span and (row is best or not row.trivial)]
    if not base or all(row.trivial for row in rows):
        return [span is not None for span in spans]
    low, high = min(span[0] for span in base), max(span[1] for span in base)
    reach = STRETCH * max(high - low, SHORTEST)
    return [span is not None and span[0] >= high - reach and span[1] <= low + reach for span in spans]


def _span(row: Row, metric: str) -> tuple[float, float] | None:
    """Return the ends of the interval, the value for both if there is none, None if it is not defined."""
    estimate = row.estimates[metric]
    if np.isnan(estimate.value):
        return None
    return (estimate.value, estimate.value) if np.isnan(estimate.low) else (estimate.low, estimate.high)
