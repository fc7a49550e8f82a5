"""Pairwise tests: against the formulas written out, against DeLong and McNemar, and on several seeds."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from benchmarks.error_rates.simulation import Study, make_predictions, replace_score
from pneumo_tf.evaluation.auc_comparison import compare_auc, compare_with_members
from pneumo_tf.evaluation.comparison import align_runs, holm
from pneumo_tf.evaluation.ensemble import average_scores
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.proportion_comparison import compare_proportion
from pneumo_tf.evaluation.resampling import resample_patients
from pneumo_tf.evaluation.training_variance import training_variance


def delong(one, other):
    """Difference and variance as DeLong, DeLong & Clarke-Pearson (1988) print them, pair by pair of films."""
    parts = []
    for run in (one, other):
        sick, well = run.score[run.labels == 1], run.score[run.labels == 0]
        psi = (sick[:, None] > well) + 0.5 * (sick[:, None] == well)
        parts.append((psi.mean(), psi.mean(axis=1), psi.mean(axis=0)))
    s10, s01 = (np.cov(np.stack([parts[0][side], parts[1][side]])) for side in (1, 2))
    covariance = s10 / len(parts[0][1]) + s01 / len(parts[0][2])
    return parts[0][0] - parts[1][0], covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]


def obuchowski(one, other):
    """The same for clusters, by the equations of Obuchowski (1997), patient by patient."""
    films, patients = one, np.unique(one.patients)
    sick, well = films.labels == 1, films.labels == 0
    total = sick.sum(), well.sum()
    sides = []
    for run in (one, other):
        psi = (run.score[sick][:, None] > run.score[well]) + 0.5 * (
            run.score[sick][:, None] == run.score[well]
        )
        auc = psi.mean()
        of_sick = [psi.mean(axis=1)[films.patients[sick] == who].sum() for who in patients]
        of_well = [psi.mean(axis=0)[films.patients[well] == who].sum() for who in patients]
        m = [(sick & (films.patients == who)).sum() for who in patients]
        n = [(well & (films.patients == who)).sum() for who in patients]
        sides.append((auc, np.array(of_sick) - np.array(m) * auc, np.array(of_well) - np.array(n) * auc))
    i10, i01, i = np.count_nonzero(m), np.count_nonzero(n), len(patients)
    covariance = np.empty((2, 2))
    for r in (0, 1):
        for s in (0, 1):
            s10 = i10 / ((i10 - 1) * total[0]) * np.sum(sides[r][1] * sides[s][1])
            s01 = i01 / ((i01 - 1) * total[1]) * np.sum(sides[r][2] * sides[s][2])
            s11 = i / (i - 1) * (np.sum(sides[r][1] * sides[s][2]) + np.sum(sides[s][1] * sides[r][2]))
            covariance[r, s] = s10 / total[0] + s01 / total[1] + s11 / (total[0] * total[1])
    return sides[0][0] - sides[1][0], covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]


def alone(run: LabelledPredictions) -> LabelledPredictions:
    return make_predictions(run.labels, run.score)


@pytest.mark.parametrize("decimals", [0, 6])
def test_with_one_film_a_patient_auc_is_compared_as_by_delong(decimals):
    study = Study(np.random.default_rng(decimals))
    runs = [alone(study.model(skill).runs()[0]) for skill in (1.0, 2.0)]
    runs = [replace_score(run, np.round(run.score, decimals)) for run in runs]
    compared = compare_auc([[run] for run in runs])
    difference, variance = delong(*runs)
    assert compared.difference[0, 1] == pytest.approx(difference, abs=1e-12)
    assert compared.variance[0, 1] == pytest.approx(variance, rel=1e-9)
    assert compared.p[0, 1] == pytest.approx(2 * stats.norm.sf(abs(difference) / np.sqrt(variance)), rel=1e-9)


@pytest.mark.parametrize("mixed", [0, 25])
def test_clusters_are_compared_as_obuchowski_prints_it(mixed):
    study = Study(np.random.default_rng(mixed), mixed=mixed)
    runs = [study.model(skill).runs()[0] for skill in (1.2, 1.6)]
    compared = compare_auc([[run] for run in runs])
    difference, variance = obuchowski(*runs)
    assert compared.difference[0, 1] == pytest.approx(difference, abs=1e-12)
    assert compared.difference[1, 0] == -compared.difference[0, 1]
    assert compared.variance[0, 1] == pytest.approx(variance, rel=1e-9)
    plain = delong(*runs)[1]
    assert variance > 1.2 * plain, "films of a patient are not as good as films of many"


def test_differences_are_those_of_scikit_learn():
    study = Study(np.random.default_rng(1))
    rows = [study.model(skill).runs(seeds) for skill, seeds in ((1.0, 1), (1.5, 2), (2.0, 3))]
    compared = compare_auc(rows)
    auc = [np.mean([roc_auc_score(run.labels, run.score) for run in row]) for row in rows]
    np.testing.assert_allclose(compared.difference, np.subtract.outer(auc, auc), atol=1e-12)
    assert (np.diag(compared.p) == 1).all() and (np.diag(compared.adjusted) == 1).all()
    assert (compared.adjusted == compared.adjusted.T).all()


def test_mcnemar_where_every_patient_has_one_film():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 200)
    one, other = (make_predictions(labels, rng.normal(2 * labels - 1, scale)) for scale in (1.0, 2.0))
    right = [(run.score > 0) == (labels == 1) for run in (one, other)]
    for metric, films in (
        ("accuracy", labels >= 0),
        ("sensitivity", labels == 1),
        ("specificity", labels == 0),
    ):
        b, c = (right[0] & ~right[1] & films).sum(), (right[1] & ~right[0] & films).sum()
        compared = compare_proportion([[one], [other]], metric)
        assert compared.difference[0, 1] == pytest.approx((b - c) / films.sum())
        assert compared.p[0, 1] == pytest.approx(stats.chi2.sf((b - c) ** 2 / (b + c), 1), rel=1e-9)


def test_clusters_of_pairs_are_compared_as_durkalski_prints_it():
    """Counts of both right, only the first, only the second and none, in five clusters."""
    counts = np.array(
        [[1, 3, 0, 1, 2], [51, 67, 44, 58, 47], [18, 26, 43, 21, 28], [0, 2, 1, 3, 4]], dtype=int
    )
    first, second, patients = [], [], []
    for cluster, (both, b, c, none) in enumerate(counts.T):
        first += [1] * both + [1] * b + [-1] * c + [-1] * none
        second += [1] * both + [-1] * b + [1] * c + [-1] * none
        patients += [cluster] * (both + b + c + none)
    rows = [[make_predictions(np.ones(len(first)), score, patients)] for score in (first, second)]
    share = (counts[1] - counts[2]) / counts.sum(axis=0)
    statistic = share.sum() ** 2 / (share**2).sum()
    compared = compare_proportion(rows, "sensitivity")
    assert compared.difference[0, 1] ** 2 / compared.variance[0, 1] == pytest.approx(statistic)
    assert compared.p[0, 1] == pytest.approx(stats.chi2.sf(statistic, 1))


def test_rows_that_agree_do_not_differ_significantly():
    study = Study(np.random.default_rng(3))
    (run,) = study.model().runs()
    rows = [[run], [replace_score(run, 3 * run.score)], [run, run]]
    for compared in (compare_auc(rows), compare_proportion(rows, "accuracy")):
        assert (compared.difference == 0).all()
        assert (compared.p == 1).all()
        assert not compared.significant.any()


def test_films_of_one_class_are_not_compared():
    one = make_predictions([1, 1, 1], [0.1, 0.2, 0.3])
    with np.errstate(all="raise"):
        compared = compare_auc([[one], [replace_score(one, -one.score)]])
        specificity = compare_proportion([[one], [one]], "specificity")
    for nothing in (compared, specificity):
        assert np.isnan(nothing.adjusted[0, 1]) and not nothing.significant.any()


def test_order_of_films_does_not_matter_and_other_films_are_refused():
    study = Study(np.random.default_rng(4))
    one, other = (study.model(skill).runs()[0] for skill in (1.0, 2.0))
    turned = LabelledPredictions(
        *(tuple(reversed(c)) if isinstance(c, tuple) else c[::-1] for c in vars(other).values())
    )
    np.testing.assert_allclose(
        compare_auc([[one], [turned]]).variance, compare_auc([[one], [other]]).variance
    )
    short = LabelledPredictions(*(column[:-1] for column in vars(other).values()))
    with pytest.raises(ValueError, match="different films"):
        align_runs([[one], [short]])


def test_seeds_that_vary_in_training_widen_the_difference():
    study = Study(np.random.default_rng(5))
    one, other = study.model(1.5), study.model(1.7)
    calm = compare_auc([one.runs(4, noise=0.3), other.runs(4, noise=0.3)])
    wild = compare_auc([one.runs(4, training=1.0, noise=0.3), other.runs(4, training=1.0, noise=0.3)])
    assert wild.variance[0, 1] > 2 * calm.variance[0, 1]
    assert wild.degrees_of_freedom[0, 1] < 30 < calm.degrees_of_freedom[0, 1]


def test_training_variance_takes_off_what_patients_explain():
    rng = np.random.default_rng(6)
    found, sd, own, seeds = [], 0.02, 0.01, 5
    for _ in range(4000):
        values = 0.9 + sd * rng.normal(size=seeds) + own * rng.normal(size=seeds)
        found.append(training_variance(values, np.full(seeds, own**2), own**2 / seeds))
    assert np.mean(found) == pytest.approx(sd**2 / seeds, rel=0.05)
    assert training_variance(np.array([0.9]), np.array([0.01]), 0.01) == 0.0
    assert np.isnan(training_variance(np.array([0.9, np.nan]), np.array([0.01, np.nan]), 0.01))


def test_holm_by_hand():
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


def test_intervals_hold_the_difference():
    study = Study(np.random.default_rng(7))
    compared = compare_auc([study.model(1.0).runs(), study.model(2.0).runs()])
    low, high = compared.interval(0, 1)
    assert (low + high) / 2 == pytest.approx(compared.difference[0, 1])
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(compared.variance[0, 1]), rel=1e-6)


def test_an_ensemble_of_one_is_compared_as_any_pair():
    study = Study(np.random.default_rng(31), mixed=5)
    (one,), (other,) = study.model(1.5).runs(), study.model(1.7).runs()
    paired, expected = compare_with_members([one], [[other]]), compare_auc([[one], [other]])
    assert paired.difference[0, 1] == pytest.approx(expected.difference[0, 1])
    assert paired.variance[0, 1] == pytest.approx(expected.variance[0, 1])
    assert paired.p[0, 1] == pytest.approx(expected.p[0, 1])


def test_the_gain_of_an_ensemble_has_the_variance_of_resampled_patients():
    runs = Study(np.random.default_rng(32)).model(1.5).runs(5, training=0.8, noise=1.0)
    ensemble = average_scores(runs)
    weights = resample_patients(ensemble.labels, ensemble.patients, 1000)
    aucs = [
        compute_metrics(one.labels, one.score, weights, names=["auc"])["auc"] for one in (ensemble, *runs)
    ]
    found = compare_with_members([ensemble], [runs])
    assert np.sqrt(found.variance[0, 1]) == pytest.approx(
        (aucs[0] - np.mean(aucs[1:], axis=0)).std(), rel=0.1
    )
    as_strangers = compare_auc([[ensemble], runs])
    assert found.variance[0, 1] < as_strangers.variance[0, 1] / 2, "its members add no variance"


def test_several_ensembles_add_the_spread_of_their_gain():
    study = Study(np.random.default_rng(33))
    groups = [study.model(skill).runs(3, noise=noise) for skill, noise in ((1.2, 0.2), (1.8, 2.5))]
    ensembles = [average_scores(group) for group in groups]
    single = [compare_with_members([one], [group]) for one, group in zip(ensembles, groups, strict=True)]
    both = compare_with_members(ensembles, groups)
    gains = [one.difference[0, 1] for one in single]
    assert both.difference[0, 1] == pytest.approx(np.mean(gains))
    assert both.variance[0, 1] > np.var(gains, ddof=1) / 2 * 0.8
    assert both.degrees_of_freedom[0, 1] < 10
