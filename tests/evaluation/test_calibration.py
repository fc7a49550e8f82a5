"""Calibration: against scikit-learn and by hand, and temperature scaling that finds what was done."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from pneumo_tf.evaluation.calibration import (
    TEMPERATURES,
    fit_temperature,
    measure_calibration,
    reliability_curve,
)


def drawn(films=4000, stretch=1.0, seed=0):
    """Labels that follow the probabilities of the scores, then scores that are stretched."""
    rng = np.random.default_rng(seed)
    score = rng.normal(0.5, 2.0, films)
    return (rng.random(films) < expit(score)).astype(np.int8), score * stretch


def test_ece_of_equal_bins_by_hand():
    labels, given = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.3, 0.4, 0.6, 0.8, 0.9])
    score = np.log(given / (1 - given))
    bins = reliability_curve(labels, score, bins=3)
    assert bins.films.tolist() == [2, 2, 2]
    np.testing.assert_allclose(bins.probability, [0.2, 0.5, 0.85])
    np.testing.assert_allclose(bins.observed, [0.0, 0.5, 1.0])
    np.testing.assert_allclose(bins.spread[1], np.sqrt(0.4 * 0.6 + 0.6 * 0.4) / 2)
    assert float((bins.films / 6) @ np.abs(bins.probability - bins.observed)) == pytest.approx(
        (0.2 + 0.15) / 3
    )


def test_equal_scores_share_a_bin():
    bins = reliability_curve(np.array([1, 0, 1, 0, 1, 1]), np.array([0.0, 0, 0, 0, 0, 2.0]), bins=3)
    assert bins.films.tolist() == [5, 1]
    constant = measure_calibration(np.array([1, 0, 1, 1]), np.zeros(4))
    assert (constant.ece, constant.discrimination) == (0.25, 0.0)


@pytest.mark.parametrize("stretch", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("decimals", [0, 9])
def test_brier_is_the_sum_of_its_parts(stretch, decimals):
    labels, score = drawn(500, stretch)
    score = np.round(score, decimals)
    found = measure_calibration(labels, score)
    assert found.brier == pytest.approx(np.mean((expit(score) - labels) ** 2))
    assert found.miscalibration - found.discrimination + found.uncertainty == pytest.approx(found.brier)
    theirs = IsotonicRegression().fit(score, labels).predict(score)
    assert found.brier - found.miscalibration == pytest.approx(np.mean((theirs - labels) ** 2))
    assert found.miscalibration >= 0 and found.discrimination >= 0


def test_true_probabilities_show_the_ece_of_chance():
    found = [measure_calibration(*drawn(600, seed=seed)) for seed in range(60)]
    assert np.mean([each.ece for each in found]) == pytest.approx(
        np.mean([each.ece_by_chance for each in found]), rel=0.1
    )


@pytest.mark.parametrize("stretch", [0.25, 1.0, 4.0])
def test_temperature_scaling_undoes_a_stretch_and_keeps_ranks(stretch):
    labels, score = drawn(stretch=stretch)
    temperature = fit_temperature(labels, score)
    assert temperature == pytest.approx(stretch, rel=0.1)
    assert (
        measure_calibration(labels, score / temperature).log_loss
        <= measure_calibration(labels, score).log_loss + 1e-9
    )
    assert roc_auc_score(labels, score / temperature) == roc_auc_score(labels, score)


def test_films_that_a_model_separates_fix_no_temperature():
    labels, score = np.array([0, 0, 1, 1]), np.array([-2.0, -1.0, 1.0, 2.0])
    assert fit_temperature(labels, score) == pytest.approx(TEMPERATURES[0], rel=0.01)
    assert fit_temperature(1 - labels, score) == pytest.approx(TEMPERATURES[1], rel=0.01)


def test_extreme_scores_do_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        found = measure_calibration(np.array([0, 1, 0, 1]), np.array([-2000.0, 2000, 3000, -3000]))
    assert found.brier == 0.5
