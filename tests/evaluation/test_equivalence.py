"""Equivalence against intervals, and detectable differences against simulated tests."""

import numpy as np
import pytest
from scipy.stats import norm, t

from pneumo_tf.evaluation.comparison import Comparison
from pneumo_tf.evaluation.equivalence import detectable_differences, equivalence_p


def pair(difference, error, freedom=np.inf):
    signs = np.array([[0, 1], [-1, 0]])
    variance = error**2 * abs(signs)
    return Comparison(difference * signs.astype(float), variance, np.full((2, 2), freedom))


@pytest.mark.parametrize("freedom", [5.0, 1e6])
@pytest.mark.parametrize("difference", [0.0, 0.004, -0.012, 0.03])
def test_a_pair_is_equivalent_if_its_90_percent_interval_lies_within_the_margin(difference, freedom):
    for error in (0.002, 0.005, 0.008, 0.012):
        ends = difference + np.array([-1, 1]) * t.ppf(0.95, freedom) * error
        inside = bool(np.all(np.abs(ends) < 0.02))
        assert (equivalence_p(pair(difference, error, freedom), 0.02)[0, 1] < 0.05) == inside


def test_a_difference_of_the_margin_is_rarely_called_equivalent():
    rng = np.random.default_rng(0)
    wrong = [equivalence_p(pair(0.02 + 0.004 * rng.normal(), 0.004), 0.02)[0, 1] < 0.05 for _ in range(2000)]
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.015)


def test_p_values_are_corrected_for_all_pairs():
    values = np.array([0.0, 0.001, 0.5])
    comparison = Comparison(values[:, None] - values, np.full((3, 3), 1e-4), np.full((3, 3), np.inf))
    found = equivalence_p(comparison, 0.02)
    assert found[0, 1] == found[1, 0] == pytest.approx(3 * norm.sf(1.9))
    assert found[0, 2] == found[1, 2] == 1


def test_identical_rows_are_equivalent_and_untested_ones_are_not():
    assert equivalence_p(pair(0.0, 0.0))[0, 1] == 0
    assert equivalence_p(pair(0.05, 0.0), 0.02)[0, 1] == 1
    nothing = np.full((2, 2), np.nan)
    assert np.isnan(equivalence_p(Comparison(nothing, nothing, nothing))[0, 1])


@pytest.mark.parametrize("tests", [1, 45])
def test_a_detectable_difference_is_shown_in_four_of_five_samples(tests):
    (true,) = detectable_differences(pair(0.0, 0.01), tests)
    found = true + 0.01 * np.random.default_rng(1).normal(size=20_000)
    shown = 2 * norm.sf(abs(found) / 0.01) < 0.05 / tests
    assert shown.mean() == pytest.approx(0.8, abs=0.01)
