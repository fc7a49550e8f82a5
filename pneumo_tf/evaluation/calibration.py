"""How far probabilities can be believed: reliability, its errors, and temperature scaling."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression, minimize_scalar

from pneumo_tf.evaluation.metrics import compute_metrics

BINS = 10
TEMPERATURES = 0.05, 20.0
"""Where a temperature is looked for: validation films that a model separates would drive it to 0."""


class Reliability(NamedTuple):
    """Films in bins of equal mass, by rising probability.

    Args:
        probability: (b,) mean probability of pneumonia that the model gives.
        observed: (b,) share of pneumonias.
        films: (b,) films in the bin.
        spread: (b,) standard deviation of `observed` if the probabilities were true.
    """

    probability: np.ndarray
    observed: np.ndarray
    films: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """What a model's probabilities are worth on one set of films.

    Brier = miscalibration − discrimination + uncertainty, exactly.

    Args:
        ece: Expected calibration error, bins of equal mass.
        ece_by_chance: What a model whose probabilities are true would have on as many films.
        log_loss: Mean, in nats.
        brier: Mean squared distance from the label.
        miscalibration: What monotone recalibration would take off the Brier score.
        discrimination: What the recalibrated probabilities gain over the prevalence alone.
        uncertainty: The Brier score of the prevalence.
    """

    ece: float
    ece_by_chance: float
    log_loss: float
    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float


def probability(score: np.ndarray) -> np.ndarray:
    """The sigmoid of a score, without overflow."""
    return np.exp(-np.logaddexp(0.0, -score))


def reliability(labels: np.ndarray, score: np.ndarray, bins: int = BINS) -> Reliability:
    """Sorts films into bins of nearly equal numbers; equal scores stay together.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        bins: As many at most.
    """
    order = np.argsort(score, kind="stable")
    cuts = np.round(np.linspace(0, len(score), min(bins, len(score)) + 1)).astype(int)[:-1]
    # A cut amid equal scores moves to their nearer end: their order is no property of the model.
    left, right = (np.searchsorted(score[order], score[order][cuts], side) for side in ("left", "right"))
    starts = np.unique(np.where((cuts - left <= right - cuts) | (right == len(score)), left, right))
    given, labels = probability(score[order]), labels[order].astype(np.float64)
    films = np.diff([*starts, len(score)])
    chance = np.sqrt(np.add.reduceat(given * (1 - given), starts)) / films
    mean = (np.add.reduceat(column, starts) / films for column in (given, labels))
    return Reliability(*mean, films, chance)


def calibration(labels: np.ndarray, score: np.ndarray) -> Calibration:
    """Computes every measure of calibration.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.

    Reference: ECE, Naeini, Cooper & Hauskrecht 2015, with the adaptive bins of Nixon et al. 2019; the split
        of the Brier score by isotonic regression, without bins, Dimitriadis, Gneiting & Jordan 2021.
    """
    bins = reliability(labels, score)
    share = bins.films / len(labels)
    proper = compute_metrics(labels, score, names=("brier", "log_loss"))
    brier = float(proper["brier"][0])
    # Among equal scores pneumonias come first, so that the regression pools them.
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
    """Finds the number that scores are divided by for the least log loss (Guo et al. 2017).

    Ranks, and so AUC, and calls at probability 0.5 stay as they are.

    Args:
        labels: (n,) of films that results are not reported on.
        score: (n,) of the same films.

    Returns:
        Within `TEMPERATURES`; an end of it where the films cannot tell.
    """

    def loss(log_temperature: float) -> float:
        scaled = score * np.exp(-log_temperature)
        return float(np.logaddexp(0.0, np.where(labels == 1, -scaled, scaled)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))
