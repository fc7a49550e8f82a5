"""Net benefit of predicting pneumonia above a probability: decision curves (Vickers & Elkin 2006)."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logit

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.ratio import ratio

THRESHOLDS = (0.1, 0.25, 0.5)
"""Thresholds t of the probability; a false positive has t / (1 − t) times the weight of a true positive."""


def net_benefit(
    scored: LabelledPredictions,
    thresholds: Sequence[float] | np.ndarray,
    weights: np.ndarray,
    prevalence: float | None = None,
) -> np.ndarray:
    """Return the net benefit of a model: true positives minus weighted false positives, per film.

    At another prevalence, the odds of each film are multiplied by the ratio of the odds of both prevalences
    (Bayes' theorem), with the same scores of normal films and of pneumonia.

    Args:
        scored: Predictions of n films.
        thresholds: (t,) probabilities in 0–1.
        weights: (r, n) how often each film counts.
        prevalence: Share of pneumonia; None for that of the films.

    Returns:
        (t, r) float64, at most the prevalence; nan where a class has no film.

    Reference: Vickers & Elkin, Med. Decis. Making 26, 2006; Vickers, Van Calster & Steyerberg, BMJ 352:i6,
        2016.
    """
    limits = logit(np.asarray(thresholds, np.float64))
    if prevalence is not None:
        limits = limits - logit(prevalence) + logit(scored.labels.mean())
    predicted = scored.score[None, :] > limits[:, None]
    positive = scored.labels == 1
    found, alarms = ((predicted & of_class) @ weights.T for of_class in (positive, ~positive))
    positives, negatives = weights @ positive, weights @ ~positive
    share = ratio(positives, positives + negatives) if prevalence is None else prevalence
    odds = np.exp(logit(np.asarray(thresholds, np.float64)))[:, None]
    return ratio(found, positives) * share - ratio(alarms, negatives) * (1 - share) * odds


def net_benefit_of_all(share: float | np.ndarray, thresholds: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the net benefit of predicting pneumonia for every film; for no film, it is 0.

    Args:
        share: Share of pneumonia, a number or (r,).
        thresholds: (t,) probabilities in 0–1.

    Returns:
        (t,) or (t, r) float64.
    """
    odds = np.exp(logit(np.asarray(thresholds, np.float64)))
    return share - np.multiply.outer(odds, 1 - np.asarray(share, np.float64))
