"""Scores of films by a classifier that was not fitted to them."""

from collections.abc import Iterable

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from pneumo_tf.models.logistic import score_held_out

FOLDS = 5

Division = tuple[np.ndarray, np.ndarray]
"""Indices of the films to fit to, and of the films to score."""


def score_folds(features: np.ndarray, labels: np.ndarray, divisions: Iterable[Division]) -> np.ndarray:
    """Scores every film by the model of the fold that held it out; (n,) float64, nan where none did."""
    scores = np.full(len(labels), np.nan)
    for fit, held in divisions:
        scores[held] = score_held_out(features, labels, fit, held)
    return scores


def grouped_folds(labels: np.ndarray, patients: np.ndarray, seed: int = 0) -> list[Division]:
    """Five folds with the labels in near proportion, whole patients only."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(labels)), labels, patients))
