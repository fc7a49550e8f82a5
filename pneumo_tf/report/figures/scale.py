"""Choice of the rows that determine the scale of an axis, so that trivial outliers do not stretch it."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.report.board import Row
from pneumo_tf.report.trivial_rows import best_trivial

STRETCH = 2.0
"""Largest factor by which trivial rows other than the best may lengthen a scale."""

SHORTEST = 0.1
"""Minimum length of a scale."""


def rows_of_scale(rows: Sequence[Row], metric: str) -> list[bool]:
    """Return for each row whether the scale of a metric includes it.

    The scale includes every trained row and the best trivial one, and other trivial rows if they lengthen it
    by at most `STRETCH`. Without a trained row it includes all.
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
