"""Differences in Brier score, against the paired t statistic and a bootstrap of patients."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm, ttest_rel

from benchmarks.error_rates.simulation import Study, make_predictions, replace_score
from pneumo_tf.evaluation.brier_comparison import compare_brier


def errors(run):
    return (expit(run.score) - run.labels) ** 2


def two_models(seed, patients=None, films=120):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, films)
    one = make_predictions(labels, labels - 0.5 + rng.normal(size=films), patients)
    return one, replace_score(one, 2 * one.score + rng.normal(size=films))


def test_with_one_film_per_patient_it_is_the_paired_test():
    one, other = two_models(0)
    found = compare_brier([[one], [other]])
    statistic = ttest_rel(errors(one), errors(other)).statistic
    assert found.difference[0, 1] == pytest.approx((errors(one) - errors(other)).mean())
    assert found.p[0, 1] == pytest.approx(2 * norm.sf(abs(statistic)))


def test_copies_of_a_film_add_no_information():
    one, other = two_models(1)
    thrice = [
        make_predictions(np.tile(run.labels, 3), np.tile(run.score, 3), np.tile(np.arange(120), 3))
        for run in (one, other)
    ]
    single, tripled = compare_brier([[one], [other]]), compare_brier([[run] for run in thrice])
    assert tripled.p[0, 1] == pytest.approx(single.p[0, 1])


def test_the_variance_is_that_of_resampled_patients():
    study = Study(np.random.default_rng(2), (80, 80))
    one, other = study.model(2.0).runs(1)[0], study.model(2.5).runs(1)[0]
    difference = errors(one) - errors(other)
    patients = np.unique(one.patients)
    sums = np.array([difference[one.patients == patient].sum() for patient in patients])
    films = np.array([(one.patients == patient).sum() for patient in patients])
    rng = np.random.default_rng(3)
    drawn = rng.integers(len(patients), size=(4000, len(patients)))
    bootstrap = (sums[drawn].sum(axis=1) / films[drawn].sum(axis=1)).std()
    assert np.sqrt(compare_brier([[one], [other]]).variance[0, 1]) == pytest.approx(bootstrap, rel=0.05)


def test_the_variance_of_training_is_added():
    study = Study(np.random.default_rng(4), (80, 80))
    steady, varying = study.model(), study.model()
    rows = [steady.runs(3, noise=0.0), varying.runs(3, training=2.0)]
    means = [[replace_score(row[0], np.mean([run.score for run in row], axis=0))] for row in rows]
    assert compare_brier(rows).variance[0, 1] > 2 * compare_brier(means).variance[0, 1]


def test_one_patient_and_identical_rows():
    one, _ = two_models(5)
    assert compare_brier([[one], [one]]).p[0, 1] == 1
    alone, other = two_models(6, patients=["a"] * 120)
    assert np.isnan(compare_brier([[alone], [other]]).p[0, 1])
