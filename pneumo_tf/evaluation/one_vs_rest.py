"""Measures of three classes: normal, bacterial and viral pneumonia."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import logsumexp

from pneumo_tf.data.target_classes import TARGET_CLASSES
from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap, estimate_mean
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.ratio import ratio

CLASSES = TARGET_CLASSES[3]


@dataclass(frozen=True)
class ThreeClasses:
    """Measures of one row, means over its runs with 95 % intervals.

    Args:
        auc: One-vs-rest AUC of each of `CLASSES`.
        macro_auc: Unweighted mean of the three.
        accuracy: Share of films whose class has the largest logit.
        balanced_accuracy: Unweighted mean over classes of the share of their films.
    """

    auc: dict[str, Estimate]
    macro_auc: Estimate
    accuracy: Estimate
    balanced_accuracy: Estimate


def has_three_classes(runs: Sequence[LabelledPredictions]) -> bool:
    """Return whether every run has three logits."""
    return all(run.logits.shape[1] == len(CLASSES) for run in runs)


def true_classes(scored: LabelledPredictions) -> np.ndarray:
    """Return the class of each film, (n,) its place in `CLASSES`; −1 if it is none of them."""
    places = {name: place for place, name in enumerate(CLASSES)}
    return np.array([places.get(subtype, -1) for subtype in scored.subtypes], np.int64)


def one_vs_rest(scored: LabelledPredictions) -> list[LabelledPredictions]:
    """Return predictions of each class against the other two.

    Args:
        scored: Predictions with three logits.

    Returns:
        For each of `CLASSES` the same films, with label 1 for films of the class, and as score the logarithm
        of its odds.
    """
    truth, logits = true_classes(scored), scored.logits.astype(np.float64)
    return [
        replace(
            scored,
            labels=(truth == place).astype(np.int8),
            score=logits[:, place] - logsumexp(np.delete(logits, place, axis=1), axis=1),
        )
        for place in range(len(CLASSES))
    ]


def count_confusions(scored: LabelledPredictions) -> np.ndarray:
    """Return (3, 3) counts of films of `CLASSES`, true class by predicted class."""
    truth, predicted = true_classes(scored), scored.logits.argmax(axis=1)
    counts = np.zeros((len(CLASSES), len(CLASSES)))
    np.add.at(counts, (truth[truth >= 0], predicted[truth >= 0]), 1)
    return counts


def measure_three_classes(runs: Sequence[LabelledPredictions], bootstrap: PatientBootstrap) -> ThreeClasses:
    """Measure a row.

    Args:
        runs: Predictions with three logits of each of its runs, on the same films.
        bootstrap: Bootstrap over patients of the board.
    """
    # (runs, measures, 1 + replicates)
    found = np.stack([bootstrap.replicate(run, partial(_measure, run)) for run in runs])
    seed, counts = bootstrap.seed_of(runs), _count_patients(runs[0])
    *aucs, macro, accuracy, balanced = (
        estimate_mean(found[:, place, 0], found[:, place, 1:], patients, seed)
        for place, patients in enumerate((*counts, min(counts), min(counts), min(counts)))
    )
    return ThreeClasses(dict(zip(CLASSES, aucs, strict=True)), macro, accuracy, balanced)


def _count_patients(run: LabelledPredictions) -> list[int]:
    """Return for each class the number of patients with films of it, or of the others if these are fewer."""
    truth = true_classes(run)
    return [
        min(len(np.unique(run.patients[member])) for member in (truth == place, truth != place))
        for place in range(len(CLASSES))
    ]


def _measure(run: LabelledPredictions, weights: np.ndarray) -> np.ndarray:
    """Return (measures, 1 + replicates) values under each set of film weights."""
    aucs = [compute_metrics(one.labels, one.score, weights, names=["auc"])["auc"] for one in one_vs_rest(run)]
    truth = true_classes(run)
    of_class = truth[:, None] == np.arange(len(CLASSES))
    correct = truth == run.logits.argmax(axis=1)
    recalls = ratio(weights @ (of_class & correct[:, None]), weights @ of_class)
    accuracy = ratio(weights @ correct, weights.sum(axis=1))
    return np.stack([*aucs, np.mean(aucs, axis=0), accuracy, recalls.mean(axis=1)])
