"""Variance that training adds to a mean over seeds."""

import numpy as np


def training_variance(values: np.ndarray, variances: np.ndarray, variance_of_mean: float) -> float:
    """Return the variance that training adds to a mean over seeds.

    Seeds also differ because they err on different patients. The variance over patients includes that part
    already, so it is subtracted (Obuchowski & Rockette 1995).

    Args:
        values: (s,) metric of each seed.
        variances: (s,) variance over patients of each seed's metric.
        variance_of_mean: Variance over patients of the mean over seeds.

    Returns:
        Variance, 0 or more; 0 for one seed, whose test is about that one model; nan if a value is nan.
    """
    seeds = len(values)
    if seeds == 1:
        return 0.0
    own_errors = (variances.mean() - variance_of_mean) * seeds / (seeds - 1)
    # Not max(), which returns 0 for nan.
    return float(np.maximum(0.0, values.var(ddof=1) - own_errors)) / seeds


def spread_of_mean(values: np.ndarray) -> float:
    """Return the observed variance of (s,) values of seeds, divided by their number; 0 for one seed."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
