"""Metrics against scikit-learn, against counting by hand, and where they are not defined."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from sklearn import metrics as sk

from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.metrics import (
    METRICS,
    Metric,
    auc,
    compute_metrics,
    count_outcomes,
    metrics_from_counts,
)


def films_at_all(tn, fp, fn, tp):
    return [tn + fp + fn + tp]


def pneumonias(tn, fp, fn, tp):
    return [fn + tp]


def each_class(tn, fp, fn, tp):
    return [tn + fp, fn + tp]


class Reference(NamedTuple):
    """A metric as another library computes it.

    Args:
        value: Of labels, scores and sample weights.
        divisors: Of TN, FP, FN, TP: the metric is undefined if one of them is 0.
    """

    value: Callable
    divisors: Callable


REFERENCES = {
    "auc": Reference(lambda y, s, w: sk.roc_auc_score(y, s, sample_weight=w), each_class),
    "average_precision": Reference(
        lambda y, s, w: sk.average_precision_score(y, s, sample_weight=w), pneumonias
    ),
    "accuracy": Reference(lambda y, s, w: sk.accuracy_score(y, s > 0, sample_weight=w), films_at_all),
    "balanced_accuracy": Reference(
        lambda y, s, w: sk.balanced_accuracy_score(y, s > 0, sample_weight=w), each_class
    ),
    "sensitivity": Reference(lambda y, s, w: sk.recall_score(y, s > 0, sample_weight=w), pneumonias),
    "specificity": Reference(
        lambda y, s, w: sk.recall_score(y, s > 0, pos_label=0, sample_weight=w),
        lambda tn, fp, fn, tp: [tn + fp],
    ),
    "ppv": Reference(
        lambda y, s, w: sk.precision_score(y, s > 0, sample_weight=w), lambda tn, fp, fn, tp: [fp + tp]
    ),
    "npv": Reference(
        lambda y, s, w: sk.precision_score(y, s > 0, pos_label=0, sample_weight=w),
        lambda tn, fp, fn, tp: [tn + fn],
    ),
    "f1": Reference(
        lambda y, s, w: sk.f1_score(y, s > 0, sample_weight=w), lambda tn, fp, fn, tp: [fp + fn + tp]
    ),
    "f1_normal": Reference(
        lambda y, s, w: sk.f1_score(y, s > 0, pos_label=0, sample_weight=w),
        lambda tn, fp, fn, tp: [tn + fp + fn],
    ),
    "macro_f1": Reference(
        lambda y, s, w: sk.f1_score(y, s > 0, average="macro", sample_weight=w),
        lambda tn, fp, fn, tp: [fp + fn + tp, tn + fp + fn],
    ),
    "mcc": Reference(
        lambda y, s, w: sk.matthews_corrcoef(y, s > 0, sample_weight=w),
        lambda tn, fp, fn, tp: [tn + fp, fn + tp, tn + fn, fp + tp],
    ),
    "log_loss": Reference(
        lambda y, s, w: sk.log_loss(y, 1 / (1 + np.exp(-s)), sample_weight=w, labels=[0, 1]), films_at_all
    ),
    "brier": Reference(
        lambda y, s, w: sk.brier_score_loss(y, 1 / (1 + np.exp(-s)), sample_weight=w), films_at_all
    ),
}
"""Every metric but those of a kind of pneumonia; a new metric is one line here."""

OF_KINDS = ("sensitivity_bacteria", "sensitivity_virus")
KINDS = np.array(["normal", "bacteria", "virus"])


def films(seed, n=157, ties=False):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.6).astype(np.int8)
    score = rng.normal(1.2 * labels - 0.4, 1.0)
    weights = rng.integers(0, 4, n).astype(float)
    return labels, np.round(score) if ties else score, weights


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", REFERENCES)
def test_agrees_with_scikit_learn(name, seed, ties):
    labels, score, weights = films(seed, ties=ties)
    plain = compute_metrics(labels, score, names=[name])[name]
    weighted = compute_metrics(labels, score, np.stack([weights, np.ones_like(weights)]), names=[name])[name]
    assert plain == pytest.approx([REFERENCES[name].value(labels, score, None)], abs=1e-12)
    assert weighted == pytest.approx([REFERENCES[name].value(labels, score, weights), plain[0]], abs=1e-12)


def test_every_metric_is_checked_against_scikit_learn_or_by_hand():
    assert set(METRICS) - set(REFERENCES) == set(OF_KINDS)


def test_sensitivity_to_each_kind_counts_that_kind_alone():
    kinds = KINDS[[0, 1, 1, 1, 2, 2]]
    values = compute_metrics(kinds != "normal", np.array([3.0, 1, 1, -1, 1, -1]), subtypes=kinds)
    assert values["sensitivity_bacteria"] == pytest.approx([2 / 3])
    assert values["sensitivity_virus"] == pytest.approx([1 / 2])


@pytest.mark.parametrize("name", METRICS)
def test_weight_counts_a_film_as_often_as_it_is_repeated(name):
    labels, score, weights = films(9, ties=True)
    kinds = KINDS[labels * np.random.default_rng(1).integers(1, 3, len(labels))]
    again = np.repeat(np.arange(len(labels)), weights.astype(int))
    repeated = compute_metrics(labels[again], score[again], None, kinds[again])[name]
    assert compute_metrics(labels, score, weights[None], kinds)[name] == pytest.approx(repeated, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_better_films_give_a_better_value(name):
    labels = np.repeat([0, 1], 50)
    kinds = np.repeat(KINDS, [50, 25, 25])
    noise = np.random.default_rng(3).normal(size=100)
    worse, better = (
        compute_metrics(labels, skill * (labels - 0.5) + noise, None, kinds)[name] for skill in (0.2, 5)
    )
    assert (better > worse) if METRICS[name].better == "higher" else (better < worse)


DEGENERATE = {  # labels, score
    "only normals": ([0, 0], [-1, 1]),
    "only normals, predicted normal": ([0, 0], [-1, -2]),
    "only pneumonias": ([1, 1], [-1, 1]),
    "never predicted pneumonia": ([0, 1, 1], [-1, -2, -1]),
    "always predicted pneumonia": ([0, 1, 1], [1, 2, 1]),
    "one film": ([1], [2]),
    "no film": ([], []),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_what_is_not_defined_is_nan_and_no_warning(case):
    labels, score = DEGENERATE[case]
    kinds = np.where(np.array(labels, bool), "bacteria", "normal")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = compute_metrics(
            np.array(labels, int), np.array(score, float), None, kinds, [*REFERENCES, *OF_KINDS]
        )
    pairs = list(zip(labels, np.array(score) > 0, strict=True))
    counts = [pairs.count(pair) for pair in ((0, False), (0, True), (1, False), (1, True))]
    missing = {name for name, metric in REFERENCES.items() if 0 in metric.divisors(*counts)}
    missing |= {"sensitivity_virus"} | (set() if 1 in labels else {"sensitivity_bacteria"})
    assert {name for name, value in values.items() if np.isnan(value[0])} == missing


def test_all_scores_equal_is_chance():
    values = compute_metrics(np.array([0, 0, 1, 1, 1]), np.zeros(5))
    assert values["auc"] == 0.5
    assert values["average_precision"] == 0.6
    assert values["specificity"] == 1, "a score of exactly 0 is not predicted pneumonia"


def test_extreme_scores_lose_no_loss_to_rounding():
    loss = compute_metrics(np.array([0, 1]), np.array([800.0, -800.0]), names=["log_loss"])["log_loss"]
    assert loss == pytest.approx([800])


def test_confusion_counts_in_the_printed_order():
    assert count_outcomes(np.array([0, 0, 0, 1, 1, 1]), np.array([-1, -1, 2, -3, 4, 5.0])) == (2, 1, 1, 2)


def test_published_confusion_matrix_gives_the_published_figures():
    values = metrics_from_counts((174, 68, 2, 396))
    assert [round(values[name], 3) for name in ("accuracy", "sensitivity", "specificity")] == [
        0.891,
        0.995,
        0.719,
    ]
    assert round(metrics_from_counts((64, 170, 2, 388))["macro_f1"], 2) == 0.62
    assert not {"auc", "log_loss", "brier"} & set(values), "counts contain no scores"


def test_a_metric_without_the_flag_is_not_computed_from_counts(monkeypatch):
    monkeypatch.setitem(METRICS, "of_scores", Metric(auc, "Of scores"))
    assert "of_scores" not in metrics_from_counts((174, 68, 2, 396))


def test_an_unknown_metric_is_an_error_that_suggests_one():
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        compute_metrics(np.array([0]), np.array([1.0]), names=["acuracy"])
