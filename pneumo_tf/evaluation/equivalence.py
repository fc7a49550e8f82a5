"""Equivalence of rows within a margin, and the difference that a test set can show."""

import numpy as np
from scipy.special import stdtr, stdtrit

from pneumo_tf.evaluation.comparison import SIGNIFICANCE, Comparison, holm

MARGIN = 0.02
"""Smallest difference in AUC that matters, unless a report names another."""

POWER = 0.8


def equivalence_p(comparison: Comparison, margin: float = MARGIN) -> np.ndarray:
    """Return p-values of the hypothesis that rows differ by the margin or more, after Holm over all pairs.

    Args:
        comparison: Comparison of k rows.
        margin: Smallest difference that matters, above 0.

    Returns:
        (k, k) larger p-value of the two one-sided tests of each pair, corrected; nan without a test, 0 on the
        diagonal.

    Reference: D. Schuirmann, A comparison of the two one-sided tests procedure and the power approach, J.
        Pharmacokinet. Biopharm. 15, 1987.
    """
    pairs = np.triu_indices(len(comparison.difference), 1)
    room = margin - np.abs(comparison.difference[pairs])
    error = np.sqrt(comparison.variance[pairs])
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stdtr(comparison.degrees_of_freedom[pairs], -room / error)
    p[error == 0] = np.where(room[error == 0] > 0, 0.0, 1.0)
    found = np.zeros_like(comparison.difference)
    found[pairs] = found[pairs[::-1]] = holm(p)
    return found


def detectable_differences(comparison: Comparison, tests: int = 1) -> np.ndarray:
    """Return the true difference of each pair that a test would show with a probability of `POWER`.

    Args:
        comparison: Comparison of k rows.
        tests: Number of tests that the significance level is divided by, as at Holm's first step.

    Returns:
        Differences of the pairs with a variance above 0.
    """
    pairs = np.triu_indices(len(comparison.difference), 1)
    variance, freedom = comparison.variance[pairs], comparison.degrees_of_freedom[pairs]
    known = variance > 0
    level = 1 - SIGNIFICANCE / tests / 2
    quantiles = stdtrit(freedom[known], level) + stdtrit(freedom[known], POWER)
    return quantiles * np.sqrt(variance[known])
