"""Calibration slope and intercept against scikit-learn and closed forms."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from pneumo_tf.evaluation.calibration_line import calibration_intercept, calibration_slope


@pytest.fixture(scope="module")
def films():
    rng = np.random.default_rng(3)
    score = rng.normal(1, 3, 400)
    labels = (rng.random(400) < expit(0.5 * score - 1)).astype(int)
    weights = rng.integers(0, 4, (300, 400)).astype(float)
    return labels, score, weights


def test_slope_is_that_of_scikit_learn(films):
    labels, score, weights = films
    found = calibration_slope(labels, score, weights)
    for row in (0, 7, 299):
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        model.fit(score[:, None], labels, sample_weight=weights[row])
        assert found[row] == pytest.approx(model.coef_[0, 0], rel=1e-4)


def test_intercept_makes_the_mean_probability_the_prevalence(films):
    labels, score, weights = films
    found = calibration_intercept(labels, score, weights)
    means = (weights * expit(score + found[:, None])).sum(1) / weights.sum(1)
    np.testing.assert_allclose(means, weights @ labels / weights.sum(1), rtol=1e-7)


def test_constant_scores_have_an_intercept_and_no_slope():
    labels, one = np.array([1, 0, 0, 0]), np.ones((1, 4))
    assert calibration_intercept(labels, np.full(4, 0.7), one)[0] == pytest.approx(logit(0.25) - 0.7)
    assert np.isnan(calibration_slope(labels, np.full(4, 0.7), one)).all()


@pytest.mark.parametrize("constant", [-30.0, -2.17, 0.3, 2.17, 6.0, 30.0])
def test_the_intercept_of_a_constant_score_is_exact_however_far(constant):
    rng = np.random.default_rng(0)
    labels, weights = np.arange(1000) % 2, rng.integers(0, 4, (200, 1000)).astype(float)
    prevalence = weights @ labels / weights.sum(1)
    found = calibration_intercept(labels, np.full(1000, constant), weights)
    np.testing.assert_allclose(found, logit(prevalence) - constant, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_slope_scales_with_the_score(films, scale):
    labels, score, weights = films
    once, scaled = (calibration_slope(labels, score * by, weights[:3]) for by in (1.0, scale))
    np.testing.assert_allclose(scaled * scale, once, rtol=1e-6)


def test_there_is_none_for_one_class_or_separated_films():
    score, one = np.array([-2.0, -1.0, 1.0, 2.0]), np.ones((1, 4))
    assert np.isnan(calibration_slope(np.array([0, 0, 1, 1]), score, one)).all()
    for labels in (np.zeros(4, int), np.ones(4, int)):
        assert np.isnan(calibration_slope(labels, score, one)).all()
        assert np.isnan(calibration_intercept(labels, score, one)).all()


def test_a_replicate_without_a_class_leaves_the_others(films):
    labels, score, weights = films
    weights = weights[:3].copy()
    weights[1, labels == 1] = 0
    slopes = calibration_slope(labels, score, weights)
    assert np.isnan(slopes).tolist() == [False, True, False]
