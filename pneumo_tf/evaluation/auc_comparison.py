"""Differences of AUC between models on the same films, several of them to a patient (Obuchowski 1997)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pneumo_tf.evaluation.comparison import Comparison, align_runs, compare_pairs, training_variance
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions


class AucComponents(NamedTuple):
    """What each patient adds to the AUC of one or more models, as deviation from the mean.

    Args:
        auc: (k,) the AUCs.
        sick: (k, patients) sum over a patient's pneumonias of the share of normals below, less its mean.
        well: (k, patients) sum over a patient's normals of the share of pneumonias above, less its mean.
    """

    auc: np.ndarray
    sick: np.ndarray
    well: np.ndarray


def compare_auc(rows: Sequence[Sequence[LabelledPredictions]]) -> Comparison:
    """Compares the AUCs of every pair of rows.

    Args:
        rows: For each row its runs over seeds, all on the same films. The AUC of a row is the mean over its
            seeds, and so are the components that its variance over patients is made of.

    Returns:
        nan throughout where the films are of one class, or a class is of one patient.

    Reference: N. Obuchowski, Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997. With
        one film to a patient it is DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988.
    """
    films, scores = align_runs(rows)
    parts = [auc_components(films, score) for score in scores]
    auc = np.array([part.auc.mean() for part in parts])
    mean = AucComponents(auc, *(np.array([part[side].mean(axis=0) for part in parts]) for side in (1, 2)))
    covariance = clustered_covariance(films, mean)
    own = np.diag(covariance)
    training = [
        training_variance(part.auc, np.diag(clustered_covariance(films, part)), of_mean)
        for part, of_mean in zip(parts, own, strict=True)
    ]
    seeds = np.array([len(part.auc) for part in parts])
    spread = np.array([part.auc.var(ddof=1) / len(part.auc) if len(part.auc) > 1 else 0 for part in parts])
    between = own[:, None] + own[None, :] - 2 * covariance
    return compare_pairs(auc, between, np.array(training), seeds, spread)


def auc_components(films: LabelledPredictions, scores: np.ndarray) -> AucComponents:
    """Gives the structural components of each model's AUC, summed within patients.

    Args:
        films: Labels and patients, n films.
        scores: (k, n) scores of k models.
    """
    _, person = np.unique(films.patients, return_inverse=True)
    sick, well = films.labels == 1, films.labels == 0
    auc, of_sick, of_well = [], [], []
    for score in scores:
        below = _share_below(score[sick], score[well])
        above = 1 - _share_below(score[well], score[sick])
        auc.append(below.mean() if len(below) and len(above) else np.nan)
        of_sick.append(np.bincount(person[sick], below - auc[-1], person.max() + 1))
        of_well.append(np.bincount(person[well], above - auc[-1], person.max() + 1))
    return AucComponents(np.array(auc), np.array(of_sick), np.array(of_well))


def clustered_covariance(films: LabelledPredictions, parts: AucComponents) -> np.ndarray:
    """(k, k) covariances over patients of the AUCs; nan where a class has fewer than two patients."""
    sick, well = films.labels == 1, films.labels == 0
    patients_sick, patients_well = (len(np.unique(films.patients[side])) for side in (sick, well))
    patients = len(np.unique(films.patients))
    if min(patients_sick, patients_well) < 2:
        return np.full((len(parts.auc), len(parts.auc)), np.nan)
    # A patient with films of both classes links the two sums; without such patients the last term is 0.
    crossed = parts.sick @ parts.well.T
    return (
        patients_sick / (patients_sick - 1) * (parts.sick @ parts.sick.T) / sick.sum() ** 2
        + patients_well / (patients_well - 1) * (parts.well @ parts.well.T) / well.sum() ** 2
        + patients / (patients - 1) * (crossed + crossed.T) / (sick.sum() * well.sum())
    )


def _share_below(score: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of `others` below each score, a tie counting half."""
    others = np.sort(others)
    reached = np.searchsorted(others, score, "left") + np.searchsorted(others, score, "right")
    return reached / max(2 * len(others), 1)
