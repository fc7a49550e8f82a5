"""Calibration: reliability curve, ECE, decomposition of the Brier score, temperature scaling."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression, minimize_scalar
from scipy.special import expit

from pneumo_tf.evaluation.metrics import compute_metrics

BINS = 10
TEMPERATURES = 0.05, 20.0
"""Range of temperatures; if a model separates the validation films, the optimum would be 0."""


class Reliability(NamedTuple):
    """Reliability curve over b bins of equal mass, in ascending order of probability.

    Args:
        probability: (b,) mean predicted probability of pneumonia, in 0–1.
        observed: (b,) share of positives, in 0–1.
        films: (b,) number of films in the bin.
        spread: (b,) standard deviation of `observed` if the probabilities were calibrated.
    """

    probability: np.ndarray
    observed: np.ndarray
    films: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """Calibration errors of a model's probabilities on one set of films.

    Brier = miscalibration − discrimination + uncertainty, exactly.

    Args:
        ece: Expected calibration error, bins of equal mass.
        ece_by_chance: ECE that a calibrated model would have on as many films by chance.
        log_loss: Mean log loss, in nats.
        brier: Brier score.
        miscalibration: Decrease of the Brier score through the best monotone recalibration.
        discrimination: Decrease of the Brier score from a constant prediction to the recalibrated
            probabilities.
        uncertainty: Brier score of a constant prediction of the prevalence.
    """

    ece: float
    ece_by_chance: float
    log_loss: float
    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float


def reliability_curve(labels: np.ndarray, score: np.ndarray, bins: int = BINS) -> Reliability:
    """Return the reliability curve over bins of nearly equal numbers of films; equal scores share a bin.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        bins: Largest number of bins.
    """
    order = np.argsort(score, kind="stable")
    cuts = np.round(np.linspace(0, len(score), min(bins, len(score)) + 1)).astype(int)[:-1]
    # A cut among equal scores, whose order is arbitrary, moves to the nearer end of them.
    left, right = (np.searchsorted(score[order], score[order][cuts], side) for side in ("left", "right"))
    starts = np.unique(np.where((cuts - left <= right - cuts) | (right == len(score)), left, right))
    given, labels = expit(score[order]), labels[order].astype(np.float64)
    films = np.diff([*starts, len(score)])
    chance = np.sqrt(np.add.reduceat(given * (1 - given), starts)) / films
    mean = (np.add.reduceat(column, starts) / films for column in (given, labels))
    return Reliability(*mean, films, chance)


def measure_calibration(labels: np.ndarray, score: np.ndarray) -> Calibration:
    """Compute every measure of calibration.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.

    Reference: ECE, Naeini, Cooper & Hauskrecht 2015, with the adaptive bins of Nixon et al. 2019; the split
        of the Brier score by isotonic regression, without bins, Dimitriadis, Gneiting & Jordan 2021.
    """
    bins = reliability_curve(labels, score)
    share = bins.films / len(labels)
    proper = compute_metrics(labels, score, names=("brier", "log_loss"))
    brier = float(proper["brier"][0])
    # Among equal scores positives come first, so that the regression pools them.
    order = np.lexsort((-labels.astype(int), score))
    recalibrated = isotonic_regression(labels[order].astype(np.float64)).x
    best = float(np.mean((recalibrated - labels[order]) ** 2))
    uncertainty = float(labels.mean() * (1 - labels.mean()))
    return Calibration(
        float(share @ np.abs(bins.probability - bins.observed)),
        float(share @ bins.spread * np.sqrt(2 / np.pi)),
        float(proper["log_loss"][0]),
        brier,
        brier - best,
        uncertainty - best,
        uncertainty,
    )


def fit_temperature(labels: np.ndarray, score: np.ndarray) -> float:
    """Return the temperature that minimizes the log loss of scores divided by it (Guo et al. 2017).

    Scaling does not change ranks, hence not the AUC, nor the class predicted at a probability of 0.5.

    Args:
        labels: (n,) 0 normal, 1 pneumonia, for films on which no result is reported.
        score: (n,) score of the same films.

    Returns:
        Temperature within `TEMPERATURES`; an end of this range if the films do not determine it.
    """

    def loss(log_temperature: float) -> float:
        scaled = score * np.exp(-log_temperature)
        return float(np.logaddexp(0.0, np.where(labels == 1, -scaled, scaled)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))
