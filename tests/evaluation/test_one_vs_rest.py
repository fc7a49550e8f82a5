"""Measures of three classes against scikit-learn."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import t
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, roc_auc_score

from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.one_vs_rest import (
    CLASSES,
    count_confusions,
    measure_three_classes,
    one_vs_rest,
    true_classes,
)
from pneumo_tf.predictions import score_of_logits


def make(seed, n=240):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], [n // 2, n // 3, n // 6])
    logits = (rng.normal(size=(n, 3)) + 1.2 * np.eye(3)[truth]).astype(np.float32)
    return LabelledPredictions(
        tuple(map(str, range(n))),
        (truth > 0).astype(np.int8),
        logits,
        score_of_logits(logits),
        np.array([f"{number // 2}" for number in range(n)]),
        np.array(CLASSES)[truth],
    )


RUNS = [make(seed) for seed in range(3)]


def test_values_are_those_of_scikit_learn():
    found = measure_three_classes(RUNS, PatientBootstrap(50))
    truths = [true_classes(run) for run in RUNS]
    shares = [softmax(run.logits.astype(float), axis=1) for run in RUNS]
    predicted = [run.logits.argmax(axis=1) for run in RUNS]
    macro = [
        roc_auc_score(truth, share, multi_class="ovr", average="macro")
        for truth, share in zip(truths, shares, strict=True)
    ]
    assert found.macro_auc.runs == pytest.approx(macro, abs=1e-12)
    for place, name in enumerate(CLASSES):
        alone = [roc_auc_score(t == place, p[:, place]) for t, p in zip(truths, shares, strict=True)]
        assert found.auc[name].runs == pytest.approx(alone, abs=1e-12)
    assert found.accuracy.runs == pytest.approx(list(map(accuracy_score, truths, predicted)))
    assert found.balanced_accuracy.runs == pytest.approx(
        list(map(balanced_accuracy_score, truths, predicted))
    )
    for truth, guess, run in zip(truths, predicted, RUNS, strict=True):
        np.testing.assert_array_equal(count_confusions(run), confusion_matrix(truth, guess))


def test_each_interval_is_that_of_resampled_patients():
    bootstrap = PatientBootstrap(200)
    run = RUNS[0]
    found = measure_three_classes([run], bootstrap)
    times = bootstrap.replicate(run, np.transpose).T[1:].astype(int)
    share = softmax(run.logits.astype(float), axis=1)
    aucs = []
    for counts in times:
        rows = np.repeat(np.arange(len(run)), counts)
        aucs.append(roc_auc_score(true_classes(run)[rows], share[rows], multi_class="ovr", average="macro"))
    # The roots of the equation of Wilson's interval with the variance over the replicates.
    value, fewest = found.macro_auc.value, found.macro_auc.patients
    size = value * (1 - value) / (np.var(aucs) * fewest / (fewest - 1))
    for end in (found.macro_auc.low, found.macro_auc.high):
        assert (value - end) ** 2 == pytest.approx(t.ppf(0.975, fewest - 1) ** 2 * end * (1 - end) / size)


def test_the_score_of_a_class_is_the_logarithm_of_its_odds():
    share = softmax(RUNS[0].logits.astype(float), axis=1)
    for place, one in enumerate(one_vs_rest(RUNS[0])):
        np.testing.assert_allclose(one.probability, share[:, place], rtol=1e-9)
    np.testing.assert_allclose(RUNS[0].probability, share[:, 1:].sum(axis=1), rtol=1e-9)


def test_a_film_of_another_class_is_in_no_count():
    run = make(0)
    run.subtypes[:5] = "other"
    assert count_confusions(run).sum() == len(run) - 5
    assert (true_classes(run)[:5] == -1).all()
