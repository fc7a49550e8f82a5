"""Net benefit against counting by hand."""

import numpy as np
import pytest
from scipy.special import expit, logit

from benchmarks.error_rates.simulation import make_predictions
from pneumo_tf.evaluation.net_benefit import net_benefit, net_benefit_of_all


def example(n=400, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(int)
    return make_predictions(labels, rng.normal(2.0 * labels - 1.0, 1.0))


def count(labels, called, threshold):
    hits, alarms = np.sum(called & (labels == 1)), np.sum(called & (labels == 0))
    return (hits - alarms * threshold / (1 - threshold)) / len(labels)


def test_values_are_those_of_counting():
    films = example()
    thresholds = (0.05, 0.2, 0.5, 0.9)
    found = net_benefit(films, thresholds, np.ones((1, len(films))))[:, 0]
    expected = [count(films.labels, films.probability > t, t) for t in thresholds]
    assert found == pytest.approx(expected)
    everyone = np.ones(len(films), bool)
    share = films.labels.mean()
    expected = [count(films.labels, everyone, t) for t in thresholds]
    assert net_benefit_of_all(share, thresholds) == pytest.approx(expected)


def test_weights_count_films_repeatedly():
    films = example()
    times = np.random.default_rng(1).integers(0, 3, len(films))
    rows = np.repeat(np.arange(len(films)), times)
    (found,) = net_benefit(films, [0.3], times[None].astype(float))
    assert found == pytest.approx(count(films.labels[rows], films.probability[rows] > 0.3, 0.3))


def test_at_another_prevalence_it_is_that_of_films_of_that_mix():
    films = example(60_000)
    share, threshold = 0.1, 0.2
    (found,) = net_benefit(films, [threshold], np.ones((1, len(films))), prevalence=share)[:, 0]
    rng = np.random.default_rng(2)
    sick, well = np.flatnonzero(films.labels == 1), np.flatnonzero(films.labels == 0)
    rows = np.concatenate([rng.choice(sick, 6_000), rng.choice(well, 54_000)])
    shift = logit(share) - logit(films.labels.mean())
    called = expit(films.score[rows] + shift) > threshold
    assert found == pytest.approx(count(films.labels[rows], called, threshold), abs=2e-3)


def test_a_class_without_films_has_no_net_benefit():
    films = example()
    one_class = films.where(films.labels == 1)
    assert np.isnan(net_benefit(one_class, [0.5], np.ones((1, len(one_class))), prevalence=0.1)).all()


def test_a_perfect_model_finds_everyone_and_no_model_beats_it():
    films = example()
    perfect = make_predictions(films.labels, np.where(films.labels == 1, 50.0, -50.0))
    thresholds = np.linspace(0.01, 0.99, 20)
    once = np.ones((1, len(films)))
    best = net_benefit(perfect, thresholds, once)
    assert best == pytest.approx(films.labels.mean())
    assert (net_benefit(films, thresholds, once) <= best + 1e-12).all()
