"""Risk–coverage curves: the error rate among the films predicted most confidently, and its area."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.comparison import align_runs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions


@dataclass(frozen=True)
class Uncertainty:
    """Errors of a mean score on n films, and two measures of its uncertainty.

    Args:
        wrong: (n,) bool: True if the mean score predicts the film wrongly.
        distance: (n,) distance of the mean score from the threshold, 0 or more; larger means more confident.
        spread: (n,) standard deviation of the scores of each film; smaller means more confident. None for a
            single score.
    """

    wrong: np.ndarray
    distance: np.ndarray
    spread: np.ndarray | None

    @property
    def error(self) -> float:
        """Share of films predicted wrongly: the AURC of a random order."""
        return float(self.wrong.mean())

    @property
    def best(self) -> float:
        """AURC of the best order, which puts every error last."""
        return aurc(self.wrong, ~self.wrong)

    @property
    def by_distance(self) -> float:
        """AURC of the distance from the threshold."""
        return aurc(self.wrong, self.distance)

    @property
    def by_spread(self) -> float:
        """AURC of the spread of the scores, nan for a single score."""
        return np.nan if self.spread is None else aurc(self.wrong, -self.spread)


def risk_coverage_curve(wrong: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return the error rate among the 1, 2 … n most confident films.

    Films of equal confidence are in random order, so each counts with the mean error of its group.

    Args:
        wrong: (n,) bool: True if predicted wrongly.
        confidence: (n,) confidence in each prediction, in any unit.

    Returns:
        (n,) float64 in 0–1.
    """
    _, group = np.unique(-confidence.astype(np.float64), return_inverse=True)
    expected = (np.bincount(group, wrong) / np.bincount(group))[group]
    errors = np.cumsum(expected[np.argsort(group, kind="stable")])
    return errors / np.arange(1, len(wrong) + 1)


def aurc(wrong: np.ndarray, confidence: np.ndarray) -> float:
    """Return the area under the risk–coverage curve: its mean over every number of films.

    Args:
        wrong: (n,) bool: True if predicted wrongly.
        confidence: (n,) confidence in each prediction, in any unit.

    Reference: Y. Geifman, G. Uziel & R. El-Yaniv, Bias-reduced uncertainty estimation for deep neural
        classifiers, 2019.
    """
    return float(np.mean(risk_coverage_curve(wrong, confidence)))


def measure_uncertainty(sets: Sequence[LabelledPredictions]) -> Uncertainty:
    """Average the scores of the same films, and measure the uncertainty of the mean.

    Args:
        sets: Predictions of seeds or folds, of augmented views of the films, or under Monte-Carlo dropout.
    """
    first, (scores,) = align_runs([sets])
    mean = scores.mean(axis=0)
    spread = scores.std(axis=0) if len(sets) > 1 else None
    return Uncertainty((mean > 0) != (first.labels == 1), np.abs(mean), spread)
