"""Out-of-fold intervals: they have the chance of training, which is what folds differ by."""

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.error_rates.simulation import make_predictions
from pneumo_tf.evaluation.ensemble import pool_folds
from pneumo_tf.evaluation.fold_training import training_of_folds
from pneumo_tf.evaluation.intervals import PatientBootstrap

FOLDS, FILMS = 5, 300


def folds(rng, spread):
    """Held-out films of five models, each with its own threshold; every film has a patient of its own."""
    found = []
    for number in range(FOLDS):
        labels = np.arange(FILMS) % 2
        score = 2.0 * (labels - 0.5) + rng.normal(size=FILMS) + spread * rng.normal()
        one = make_predictions(labels, score)
        ids = tuple(f"{number}-{name}" for name in one.ids)
        found.append([type(one)(ids, labels, one.logits, score, np.array(ids), one.subtypes)])
    return found


def test_folds_have_the_variance_of_their_models():
    parts = folds(np.random.default_rng(0), 0.4)
    found = training_of_folds(parts, PatientBootstrap(4000), ["specificity"])["specificity"]
    right = np.array([(run.score[run.labels == 0] <= 0).mean() for (run,) in parts])
    # Films are independent, so the share of a fold has the variance of a binomial proportion.
    of_films = (right * (1 - right) / (FILMS / 2)).mean()
    assert found.freedom == FOLDS - 1
    assert found.variance == pytest.approx((right.var(ddof=1) - of_films) / FOLDS, rel=0.03)


def coverage(studies=120):
    """Shares of intervals of specificity with the truth, with and without the chance of training."""
    rng, held = np.random.default_rng(2), np.zeros(2)
    truth = norm.cdf(1 / np.sqrt(1 + 0.4**2))
    for number in range(studies):
        parts, bootstrap = folds(rng, 0.4), PatientBootstrap(100, number)
        pooled = [pool_folds([runs[0] for runs in parts])]
        training = training_of_folds(parts, bootstrap, ["specificity"])
        for place, known in enumerate((training, None)):
            found = bootstrap.estimate(pooled, ["specificity"], known)["specificity"]
            held[place] += found.low <= truth <= found.high
    return held / studies


def test_the_interval_covers_the_truth_only_with_the_chance_of_training():
    both, films_alone = coverage()
    assert 0.9 <= both <= 0.99
    assert films_alone < 0.7


def test_two_seeds_of_a_fold_count_as_their_mean():
    rng = np.random.default_rng(3)
    first, second = folds(rng, 0.4), folds(rng, 0.4)
    bootstrap = PatientBootstrap(100)
    twice = [[run, run] for (run,) in first]
    assert training_of_folds(twice, bootstrap, ["auc"]) == training_of_folds(first, bootstrap, ["auc"])
    both = [[one, other] for (one,), (other,) in zip(first, second, strict=True)]
    values = [np.mean([((run.score > 0) == run.labels).mean() for run in runs]) for runs in both]
    found = training_of_folds(both, bootstrap, ["accuracy"])["accuracy"].variance
    assert 0 < found < np.var(values, ddof=1) / FOLDS, "without chance in the films"


def test_replicates_without_a_value_are_left_out_and_do_not_remove_the_variance():
    parts = folds(np.random.default_rng(5), 0.6)
    # Few films of one fold are predicted positive, so a few replicates have no precision.
    (run,) = parts[0]
    lowered = run.score - np.sort(run.score)[-5]
    parts[0] = [type(run)(run.ids, run.labels, run.logits, lowered, run.patients, run.subtypes)]
    bootstrap = PatientBootstrap(1000)
    undefined = np.isnan(bootstrap.measure(parts[0][0], ["ppv"])["ppv"]).mean()
    assert 0 < undefined < 0.05
    assert training_of_folds(parts, bootstrap, ["ppv"])["ppv"].variance > 0


def test_a_measure_that_a_fold_lacks_has_no_variance():
    parts = folds(np.random.default_rng(6), 0.4)
    (run,) = parts[0]
    parts[0] = [type(run)(run.ids, run.labels, run.logits, run.score - 99, run.patients, run.subtypes)]
    assert np.isnan(training_of_folds(parts, PatientBootstrap(100), ["ppv"])["ppv"].variance)
