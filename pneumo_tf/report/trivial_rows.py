"""The best trivial row of a board, and the models that were shown to beat it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pneumo_tf.evaluation.comparison import SIGNIFICANCE, Comparison, holm
from pneumo_tf.evaluation.metrics import METRICS

if TYPE_CHECKING:
    from pneumo_tf.report.board import Row


def best_trivial(rows: "Iterable[Row]", metric: str = "auc") -> "Row | None":
    """Return the trivial row with the best value of a metric, None if no trivial row has one."""
    trivial = [row for row in rows if row.trivial and np.isfinite(row.estimates[metric].value)]
    return max(trivial, key=lambda row: _sign(metric) * row.estimates[metric].value, default=None)


def models_above_trivial(
    rows: "Sequence[Row]", metric: str, compare: "Callable[[Row, Row], Comparison]"
) -> frozenset[tuple[str, str]]:
    """Return the keys of the models that were shown to beat the best trivial row.

    Each model is compared with that row alone, and p-values are corrected by Holm over these tests, so that a
    verdict does not depend on the pairs of other rows.

    Args:
        rows: Ranked rows.
        metric: Key of `METRICS`.
        compare: Function that compares two rows on the metric, in this order.
    """
    trivial = best_trivial(rows, metric)
    if trivial is None:
        return frozenset()
    models = [row for row in rows if not row.trivial]
    pairs = [compare(row, trivial) for row in models]
    lead = _sign(metric) * np.array([pair.difference[0, 1] for pair in pairs])
    shown = (holm(np.array([pair.p[0, 1] for pair in pairs])) < SIGNIFICANCE) & (lead > 0)
    return frozenset(row.key for row, above in zip(models, shown, strict=True) if above)


def _sign(metric: str) -> int:
    return 1 if METRICS[metric].better == "higher" else -1
