"""Intervals: they resample patients, hold what they promise, and count the spread of seeds."""

import numpy as np
import pytest
from scipy.stats import t

from pneumo_tf.evaluation.intervals import (
    PatientBootstrap,
    estimate_mean,
    percentile_interval,
    resample_runs,
)
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics


def study(rng, patients=(60, 60), films_each=(1, 4), shared=1.0, skill=1.0):
    """Films whose scores share a part within each patient."""
    each = rng.integers(*films_each, size=sum(patients)) if films_each[1] > films_each[0] else None
    each = np.full(sum(patients), films_each[0]) if each is None else each
    person = np.repeat(np.arange(len(each)), each)
    labels = np.repeat(np.repeat([0, 1], patients), each).astype(np.int8)
    own = rng.normal(size=len(each))[person]
    score = skill * (labels - 0.5) + shared * own + np.sqrt(1 - shared**2) * rng.normal(size=len(person))
    names = np.array([f"p{number}" for number in person])
    ids = tuple(map(str, range(len(person))))
    kinds = np.where(labels == 1, "virus", "normal")
    return LabelledPredictions(ids, labels, score[:, None].astype(np.float32), score, names, kinds)


def test_one_film_per_patient_agrees_with_a_plain_bootstrap_of_films():
    one = study(np.random.default_rng(1), films_each=(1, 1))
    ours = PatientBootstrap(4000).estimate([one], ["auc", "accuracy"])
    rng = np.random.default_rng(2)
    normals, pneumonias = np.flatnonzero(one.labels == 0), np.flatnonzero(one.labels == 1)
    plain = {"auc": [], "accuracy": []}
    for _ in range(4000):
        drawn = np.concatenate([rng.choice(normals, len(normals)), rng.choice(pneumonias, len(pneumonias))])
        for name, value in compute_metrics(one.labels[drawn], one.score[drawn], names=plain).items():
            plain[name].append(value[0])
    for name, values in plain.items():
        assert (ours[name].low, ours[name].high) == pytest.approx(
            np.quantile(values, [0.025, 0.975]), abs=0.012
        )


def test_clustered_patients_widen_the_interval():
    one = study(np.random.default_rng(3), films_each=(6, 6), patients=(25, 25))
    alone = LabelledPredictions(one.ids, one.labels, one.logits, one.score, np.array(one.ids), one.subtypes)
    clustered, independent = (PatientBootstrap().estimate([s], ["auc"])["auc"] for s in (one, alone))
    assert clustered.value == independent.value
    assert clustered.half_width > 1.8 * independent.half_width, "six identical films a patient: about √6"


def coverage(resampled, studies=250):
    """Share of studies whose interval of accuracy holds the true accuracy."""
    rng, held = np.random.default_rng(4), 0
    truth = 0.6914625  # Φ(0.5): scores are normal about ±0.5 with variance 1
    for number in range(studies):
        one = resampled(study(rng, films_each=(4, 4), shared=0.9, patients=(40, 40)))
        estimate = PatientBootstrap(400, seed=number).estimate([one], ["accuracy"])["accuracy"]
        held += estimate.low <= truth <= estimate.high
    return held / studies


def test_the_interval_covers_the_truth_at_its_nominal_rate():
    assert 0.91 <= coverage(lambda one: one) <= 0.98


def test_resampling_films_instead_would_cover_too_rarely():
    def as_if_independent(one):
        return LabelledPredictions(
            one.ids, one.labels, one.logits, one.score, np.array(one.ids), one.subtypes
        )

    assert coverage(as_if_independent) < 0.85


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_seeds_add_the_variance_of_a_mean_of_seeds(runs):
    rng = np.random.default_rng(6)
    variances = []
    for number in range(600):
        values = rng.normal(0.5, 0.1, runs)
        variances.append(resample_runs(np.repeat(values[:, None], 300, axis=1), seed=number).var())
    assert np.mean(variances) == pytest.approx(0.1**2 / runs, rel=0.1)


def test_patients_are_the_same_for_all_seeds_of_a_draw():
    one = study(np.random.default_rng(7))
    twice = PatientBootstrap().estimate([one, one], ["auc"])["auc"]
    once = PatientBootstrap().estimate([one], ["auc"])["auc"]
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high)), "two equal runs add nothing"
    assert twice.sd == 0
    assert np.isnan(once.sd)


def test_seeds_that_differ_widen_the_interval():
    one = study(np.random.default_rng(8))
    shifted = LabelledPredictions(
        one.ids, one.labels, one.logits, one.score + 1.0, one.patients, one.subtypes
    )
    both = PatientBootstrap().estimate([one, shifted], ["specificity"])["specificity"]
    each = [PatientBootstrap().estimate([run], ["specificity"])["specificity"] for run in (one, shifted)]
    assert both.value == pytest.approx(np.mean([run.value for run in each]))
    assert both.half_width > 1.3 * max(run.half_width for run in each)


def test_an_interval_stays_within_the_bounds_of_its_metric():
    values, replicates = np.array([1.0, 0.9]), np.tile([[1.0], [0.9]], (1, 500))
    estimate = estimate_mean(values, replicates, 50)
    assert 0 < estimate.low < 0.9 < estimate.high < 1
    assert estimate_mean(values, replicates, 50, bounds=(-1, 1)).high == 1.0
    wide = estimate_mean(values, replicates, 50, bounds=(0, 9))
    assert wide.high == pytest.approx(0.95 + t.ppf(0.975, 1) * 0.05)


def test_the_same_films_give_the_same_draws():
    one = study(np.random.default_rng(9))
    first, again = (str(PatientBootstrap(100).estimate([one])) for _ in range(2))
    assert first == again
    assert first != str(PatientBootstrap(100, seed=1).estimate([one]))
    kept = PatientBootstrap(20)
    first, again = ([], [])
    for seen in (first, again):
        kept.replicate(one, lambda weights, seen=seen: seen.append(weights) or weights.sum(axis=1))
    assert first[0] is again[0], "kept, not resampled"


def test_draws_do_not_depend_on_what_was_drawn_before():
    one, other = (study(np.random.default_rng(seed), patients=(10, 10)) for seed in (11, 12))
    other = LabelledPredictions(
        (*other.ids[:-1], "x"), *(getattr(other, name) for name in list(vars(other))[1:])
    )
    later = PatientBootstrap(20)
    later.replicate(other, np.transpose)
    np.testing.assert_array_equal(
        later.replicate(one, np.transpose), PatientBootstrap(20).replicate(one, np.transpose)
    )


def test_no_interval_where_too_many_draws_have_no_value():
    replicates = np.linspace(0, 1, 1000)
    replicates[:40] = np.nan
    assert np.isfinite(percentile_interval(replicates)).all()
    replicates[:60] = np.nan
    assert np.isnan(percentile_interval(replicates)).all()


def test_a_model_that_never_predicts_pneumonia_has_no_ppv_and_no_interval_of_it():
    one = study(np.random.default_rng(10))
    never = LabelledPredictions(one.ids, one.labels, one.logits, -abs(one.score), one.patients, one.subtypes)
    ppv = PatientBootstrap(100).estimate([never, never], ["ppv"])["ppv"]
    assert np.isnan([ppv.value, ppv.low, ppv.high]).all()
