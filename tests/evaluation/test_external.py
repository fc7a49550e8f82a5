"""External validation against direct computation, and its intervals against simulated repetitions."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from benchmarks.error_rates.simulation import make_predictions
from pneumo_tf.evaluation.external import choose_locally, measure_external, rates_at
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.operating_points import choose_threshold


def films(rng, n=300, skill=1.5, shift=0.0, patients=None):
    labels = np.arange(n) % 2
    return make_predictions(labels, rng.normal(skill * labels + shift, 1), patients)


def places():
    return PatientBootstrap(400, 0), PatientBootstrap(400, 1)


def test_values_are_those_of_direct_computation():
    rng = np.random.default_rng(0)
    validation, test = [films(rng) for _ in range(3)], [films(rng) for _ in range(3)]
    external = [films(rng, 200, 0.8, 1.0) for _ in range(3)]
    found = measure_external(*places(), validation, test, external)
    aucs = [roc_auc_score(run.labels, run.score) for run in external]
    source = [roc_auc_score(run.labels, run.score) for run in test]
    assert found.auc.value == pytest.approx(np.mean(aucs))
    assert found.change.value == pytest.approx(np.mean(aucs) - np.mean(source))
    assert found.change.low < found.change.value < found.change.high
    rates = []
    for fixed, run in zip(validation, external, strict=True):
        above = run.score > choose_threshold("youden", fixed)
        rates.append((above[run.labels == 1].mean(), (~above)[run.labels == 0].mean()))
    assert (found.sensitivity.value, found.specificity.value) == pytest.approx(np.mean(rates, axis=0))
    assert found.auc.runs == pytest.approx(aucs)
    # Scores above what they should be: pneumonia is rarer than stated.
    assert found.intercept.high < 0


def test_a_threshold_that_does_not_exist_gives_no_rates():
    run = films(np.random.default_rng(1))
    assert np.isnan(rates_at(np.nan, run, np.ones((3, len(run))))).all()


def test_an_external_set_of_one_class_gives_only_the_rate_of_that_class():
    rng = np.random.default_rng(2)
    normals = make_predictions(np.zeros(50, int), rng.normal(0, 1, 50))
    found = measure_external(*places(), [films(rng)], [films(rng)], [normals])
    missing = (found.auc, found.change, found.sensitivity, found.slope, found.intercept)
    assert all(np.isnan(estimate.value) for estimate in missing)
    assert 0 < found.specificity.low <= found.specificity.value <= found.specificity.high


def test_the_interval_of_the_change_covers_the_true_change():
    rng, covered = np.random.default_rng(3), 0
    true = {skill: norm.cdf(skill / np.sqrt(2)) for skill in (1.5, 1.0)}
    for number in range(60):
        test, external = films(rng, 200, 1.5), films(rng, 200, 1.0)
        here, there = PatientBootstrap(200, number), PatientBootstrap(200, number + 1000)
        change = measure_external(here, there, [test], [test], [external]).change
        covered += change.low <= true[1.0] - true[1.5] <= change.high
    assert 52 <= covered <= 60


def test_local_thresholds_repair_a_shift_and_more_films_vary_less():
    rng = np.random.default_rng(4)
    external = [films(rng, 1000, 2.0, 3.0)]
    small, large = (choose_locally(external, count, 200) for count in (50, 200))
    for rates in (small, large):
        # The best threshold of two normals 2 apart gives 0.84 of both.
        assert rates.sensitivity[0] == pytest.approx(0.84, abs=0.04)
        assert rates.specificity[0] == pytest.approx(0.84, abs=0.04)
    assert large.sensitivity[2] - large.sensitivity[1] < small.sensitivity[2] - small.sensitivity[1]


def test_local_thresholds_take_whole_patients():
    rng = np.random.default_rng(5)
    patients = [f"P{number // 10}" for number in range(400)]
    # Each patient's films are alike: a threshold measured on films of the same patients would look better.
    labels = (np.arange(400) // 10) % 2
    score = rng.normal(0, 1, 40)[np.arange(400) // 10] + 1e-3 * rng.normal(0, 1, 400)
    rates = choose_locally([make_predictions(labels, score, patients)], 50, 300)
    assert rates.sensitivity[0] + rates.specificity[0] == pytest.approx(1, abs=0.12)


def test_too_few_films_choose_no_local_threshold():
    assert choose_locally([films(np.random.default_rng(6), 90)], 50) is None
