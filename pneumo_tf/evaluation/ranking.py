"""Uncertainty of a ranking: intervals of ranks."""

from pneumo_tf.evaluation.comparison import Comparison


def rank_intervals(comparison: Comparison) -> list[tuple[int, int]]:
    """Return an interval of each row's rank from the tests of all pairs.

    The lowest rank is one more than the number of rows that were shown to be better, the highest is the
    number of rows less those that were shown to be worse. Because the tests are corrected for all pairs, all
    intervals contain the true ranks at once with a probability of at least 1 − `SIGNIFICANCE`. Rows of equal
    true value share the lowest and the highest of their ranks, and the interval contains both.

    Args:
        comparison: Comparison of k rows; pairs without a test count as not shown to differ.

    Returns:
        Lowest and highest rank of each row, from 1.

    Reference: D. Al Mohamad, J. Goeman & E. van Zwet, Simultaneous confidence intervals for ranks with
        application to ranking institutions, Biometrics 78, 2022.
    """
    shown_better = (comparison.significant & (comparison.difference < 0)).sum(axis=1)
    shown_worse = (comparison.significant & (comparison.difference > 0)).sum(axis=1)
    rows = len(comparison.difference)
    return [
        (1 + int(above), rows - int(below)) for above, below in zip(shown_better, shown_worse, strict=True)
    ]
