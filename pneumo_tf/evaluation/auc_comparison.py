"""Tests of differences in AUC between models on the same films, clustered by patient (Obuchowski 1997)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pneumo_tf.evaluation.comparison import Comparison, align_runs, compare_pairs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.training_variance import spread_of_mean, training_variance


class AucComponents(NamedTuple):
    """Structural components of the AUC of k models, summed within patients and centred at the AUC.

    Args:
        auc: (k,) AUC of each model.
        positive: (k, patients) sum over a patient's positives of the share of negatives scored below, minus
            the AUC.
        negative: (k, patients) sum over a patient's negatives of the share of positives scored above, minus
            the AUC.
    """

    auc: np.ndarray
    positive: np.ndarray
    negative: np.ndarray


def compare_auc(rows: Sequence[Sequence[LabelledPredictions]]) -> Comparison:
    """Compare the AUCs of every pair of rows.

    Args:
        rows: Runs of each row over seeds, all on the same films. The AUC of a row and its components are
            means over seeds.

    Returns:
        Comparison of the k rows; all nan unless each class has at least two patients.

    Reference: N. Obuchowski, Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997. With
        one film per patient it equals the test of DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988.
    """
    films, scores = align_runs(rows)
    parts = [auc_components(films, score) for score in scores]
    auc = np.array([part.auc.mean() for part in parts])
    mean = AucComponents(auc, *(np.array([part[side].mean(axis=0) for part in parts]) for side in (1, 2)))
    covariance = clustered_covariance(films, mean)
    own = np.diag(covariance)
    training = [
        training_variance(part.auc, np.diag(clustered_covariance(films, part)), variance_of_mean)
        for part, variance_of_mean in zip(parts, own, strict=True)
    ]
    seeds = np.array([len(part.auc) for part in parts])
    spread = np.array([spread_of_mean(part.auc) for part in parts])
    patient_variance = own[:, None] + own[None, :] - 2 * covariance
    return compare_pairs(auc, patient_variance, np.array(training), seeds, spread)


def compare_with_members(
    ensembles: Sequence[LabelledPredictions], members: Sequence[Sequence[LabelledPredictions]]
) -> Comparison:
    """Compare the AUC of ensembles with the mean AUC of their own members.

    Both are made of the same trainings, so the spread of the members adds no variance. Chance is in the
    patients, and in the difference itself if there are several ensembles.

    Args:
        ensembles: Predictions of each ensemble.
        members: Predictions of the members of each ensemble, on the same films.

    Returns:
        Comparison of two rows: the ensembles, and a member of them.
    """
    films, scores = align_runs([(ensemble, *own) for ensemble, own in zip(ensembles, members, strict=True)])
    parts = [_minus_members(auc_components(films, score)) for score in scores]
    gains = AucComponents(*(np.concatenate([part[side] for part in parts]) for side in range(3)))
    mean = AucComponents(*(side.mean(axis=0, keepdims=True) for side in gains))
    of_patients = clustered_covariance(films, mean)
    variances = np.diag(clustered_covariance(films, gains))
    training = training_variance(gains.auc, variances, of_patients[0, 0])
    gain, seeds = mean.auc[0], len(gains.auc)
    # All of the chance is in the first row; the second one stands for no difference.
    return compare_pairs(
        np.array([gain, 0.0]),
        of_patients * (1 - np.eye(2)),
        np.array([training, 0.0]),
        np.array([seeds, 1]),
        np.array([spread_of_mean(gains.auc), 0.0]),
    )


def _minus_members(parts: AucComponents) -> AucComponents:
    """Return the components of the first model minus the mean of the others."""
    return AucComponents(*(side[:1] - side[1:].mean(axis=0, keepdims=True) for side in parts))


def auc_components(films: LabelledPredictions, scores: np.ndarray) -> AucComponents:
    """Return the structural components of each model's AUC, summed within patients.

    Args:
        films: Labels and patients of n films.
        scores: (k, n) scores of k models.
    """
    _, person = np.unique(films.patients, return_inverse=True)
    positive, negative = films.labels == 1, films.labels == 0
    auc, of_positives, of_negatives = [], [], []
    for score in scores:
        below = _share_below(score[positive], score[negative])
        above = 1 - _share_below(score[negative], score[positive])
        auc.append(below.mean() if len(below) and len(above) else np.nan)
        of_positives.append(np.bincount(person[positive], below - auc[-1], person.max() + 1))
        of_negatives.append(np.bincount(person[negative], above - auc[-1], person.max() + 1))
    return AucComponents(np.array(auc), np.array(of_positives), np.array(of_negatives))


def clustered_covariance(films: LabelledPredictions, parts: AucComponents) -> np.ndarray:
    """Return the (k, k) covariances over patients of the AUCs; nan if a class has fewer than two patients."""
    positive, negative = films.labels == 1, films.labels == 0
    positives, negatives = positive.sum(), negative.sum()
    with_positive, with_negative = (len(np.unique(films.patients[side])) for side in (positive, negative))
    patients = len(np.unique(films.patients))
    if min(with_positive, with_negative) < 2:
        return np.full((len(parts.auc), len(parts.auc)), np.nan)
    # Patients with films of both classes correlate the two sums; without them the last term is 0.
    crossed = parts.positive @ parts.negative.T
    return (
        with_positive / (with_positive - 1) * (parts.positive @ parts.positive.T) / positives**2
        + with_negative / (with_negative - 1) * (parts.negative @ parts.negative.T) / negatives**2
        + patients / (patients - 1) * (crossed + crossed.T) / (positives * negatives)
    )


def _share_below(score: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the share of `others` below each score; a tie counts half."""
    others = np.sort(others)
    reached = np.searchsorted(others, score, "left") + np.searchsorted(others, score, "right")
    return reached / max(2 * len(others), 1)
