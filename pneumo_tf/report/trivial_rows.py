"""The best trivial row of a board, and the models that were shown to beat it."""

from collections.abc import Iterable, Sequence
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
    rows: "Sequence[Row]", comparison: Comparison, metric: str = "auc"
) -> frozenset[tuple[str, str]]:
    """Return the keys of the models that were shown to beat the best trivial row.

    Each model is compared with that row alone, and p-values are corrected by Holm over these tests, so that a
    verdict does not depend on the pairs of other rows.

    Args:
        rows: Ranked rows.
        comparison: The same rows, compared on the metric.
        metric: Key of `METRICS`.
    """
    trivial = best_trivial(rows, metric)
    if trivial is None:
        return frozenset()
    reference = [row.key for row in rows].index(trivial.key)
    models = [place for place, row in enumerate(rows) if not row.trivial]
    lead = _sign(metric) * comparison.difference[models, reference]
    shown = (holm(comparison.p[models, reference]) < SIGNIFICANCE) & (lead > 0)
    return frozenset(rows[place].key for place, above in zip(models, shown, strict=True) if above)


def _sign(metric: str) -> int:
    return 1 if METRICS[metric].better == "higher" else -1
