"""How well a number per film tells which calls to trust: risk over coverage, and the area below it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.comparison import align_runs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions


@dataclass(frozen=True)
class Uncertainty:
    """What the calls of averaged scores can be trusted by.

    Args:
        wrong: (n,) bool: films called wrongly by the mean score.
        distance: (n,) distance of the mean score from the threshold: the farther, the more it is trusted.
        spread: (n,) standard deviation of the scores of each film: the smaller, the more it is trusted.
            None for one set.
    """

    wrong: np.ndarray
    distance: np.ndarray
    spread: np.ndarray | None

    @property
    def error(self) -> float:
        """Share of films called wrongly: the AURC of trust that says nothing."""
        return float(self.wrong.mean())

    @property
    def best(self) -> float:
        """AURC of trust that puts every error last."""
        return aurc(self.wrong, ~self.wrong)

    @property
    def by_distance(self) -> float:
        """AURC of the distance from the threshold."""
        return aurc(self.wrong, self.distance)

    @property
    def by_spread(self) -> float:
        """AURC of the agreement of the scores, nan for one set."""
        return np.nan if self.spread is None else aurc(self.wrong, -self.spread)


def risk_coverage_curve(wrong: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(n,) share that is wrong among the one, two … n films trusted most.

    Films of equal trust are taken in any order: each counts as the mean of its group.

    Args:
        wrong: (n,) bool: called wrongly.
        trust: (n,) the higher, the earlier a film is kept.
    """
    _, group = np.unique(-trust.astype(np.float64), return_inverse=True)
    expected = (np.bincount(group, wrong) / np.bincount(group))[group]
    kept = np.cumsum(expected[np.argsort(group, kind="stable")])
    return kept / np.arange(1, len(wrong) + 1)


def aurc(wrong: np.ndarray, trust: np.ndarray) -> float:
    """Mean of `risk_coverage_curve` over every number of films kept.

    Reference: Y. Geifman, G. Uziel & R. El-Yaniv, Bias-reduced uncertainty estimation for deep neural
        classifiers, 2019.
    """
    return float(np.mean(risk_coverage_curve(wrong, trust)))


def measure_uncertainty(sets: Sequence[LabelledPredictions]) -> Uncertainty:
    """Averages the scores of the same films, and gives what may tell the errors of the mean.

    Args:
        sets: Of seeds, folds, views of the films, or draws of dropout.
    """
    first, (scores,) = align_runs([sets])
    mean = scores.mean(axis=0)
    spread = scores.std(axis=0) if len(sets) > 1 else None
    return Uncertainty((mean > 0) != (first.labels == 1), np.abs(mean), spread)
