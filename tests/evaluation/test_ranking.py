"""Tiers and rank intervals."""

import numpy as np

from pneumo_tf.evaluation.ranking import assign_tiers, rank_intervals


def test_a_tier_begins_where_a_row_differs_from_the_head_of_the_last():
    significant = np.zeros((5, 5), bool)
    for pair in ((0, 2), (0, 3), (1, 2), (2, 4), (0, 4)):
        significant[pair] = significant[pair[::-1]] = True
    assert assign_tiers(significant) == [1, 1, 2, 2, 3]


def test_neighbours_that_differ_share_a_tier_if_neither_differs_from_its_head():
    significant = np.zeros((3, 3), bool)
    significant[1, 2] = significant[2, 1] = True
    assert assign_tiers(significant) == [1, 1, 1]
    assert assign_tiers(np.zeros((0, 0), bool)) == []


def test_ranks_of_rows_that_never_cross_are_certain():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 1000)
    assert rank_intervals([0.9 + noise, 0.8 + noise, 0.7 + noise]) == [(1, 1), (2, 2), (3, 3)]


def test_ranks_of_rows_that_cross_span_both():
    rng = np.random.default_rng(1)
    draws = [rng.normal(0.9, 0.01, 1000), rng.normal(0.9, 0.01, 1000), rng.normal(0.5, 0.01, 1000)]
    assert rank_intervals(draws) == [(1, 2), (1, 2), (3, 3)]


def test_few_crossings_are_not_counted():
    one, other = np.full(1000, 0.9), np.full(1000, 0.8)
    other[:20] = 1.0
    assert rank_intervals([one, other]) == [(1, 1), (2, 2)]
    other[:30] = 1.0
    assert rank_intervals([one, other]) == [(1, 2), (1, 2)]


def test_a_row_without_a_value_ranks_last():
    assert rank_intervals([np.full(100, np.nan), np.full(100, 0.6)]) == [(2, 2), (1, 1)]
    assert rank_intervals([]) == []
