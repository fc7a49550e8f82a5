"""Rank intervals."""

import numpy as np
from scipy.stats import norm

from pneumo_tf.evaluation.comparison import Comparison
from pneumo_tf.evaluation.ranking import rank_intervals


def compare(values, standard_error):
    """A comparison of independent rows of equal standard error."""
    values = np.asarray(values, float)
    variance = np.full((len(values), len(values)), 2 * standard_error**2)
    return Comparison(values[:, None] - values, variance, np.full(variance.shape, np.inf))


def test_ranks_of_rows_far_apart_are_certain():
    assert rank_intervals(compare([0.9, 0.8, 0.7], 0.001)) == [(1, 1), (2, 2), (3, 3)]


def test_identical_rows_have_every_rank_of_their_tie():
    identical = Comparison(np.zeros((3, 3)), np.zeros((3, 3)), np.full((3, 3), np.inf))
    assert rank_intervals(identical) == [(1, 3)] * 3
    assert rank_intervals(compare([0.9, 0.9, 0.5], 0.001)) == [(1, 2), (1, 2), (3, 3)]


def test_rank_intervals_count_the_rows_shown_better_and_worse():
    """Against Holm's steps, written out one pair at a time."""
    values = np.random.default_rng(3).normal(0, 0.02, 8)
    pairs = [(i, j) for i in range(8) for j in range(8) if values[i] > values[j]]
    pairs.sort(key=lambda pair: values[pair[1]] - values[pair[0]])
    low, high = [1] * 8, [8] * 8
    for tested, (better, worse) in enumerate(pairs):
        p = 2 * norm.sf((values[better] - values[worse]) / np.sqrt(2) / 0.01)
        if p * (len(pairs) - tested) >= 0.05:
            break
        low[worse] += 1
        high[better] -= 1
    assert 0 < tested < len(pairs) - 1
    assert rank_intervals(compare(values, 0.01)) == list(zip(low, high, strict=True))


def test_rows_that_no_test_compares_may_have_any_rank():
    nothing = np.full((2, 2), np.nan)
    assert rank_intervals(Comparison(nothing, nothing, nothing)) == [(1, 2), (1, 2)]
    empty = np.zeros((0, 0))
    assert rank_intervals(Comparison(empty, empty, empty)) == []
