"""How well a number per film tells which calls to trust: risk over coverage, and the area below it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.scored import Scored


@dataclass(frozen=True)
class Trust:
    """How the errors of a row's averaged scores are ranked.

    Args:
        error: Share of films called wrongly: the AURC of trust that says nothing.
        best: AURC of trust that puts every error last.
        by_score: AURC of the distance of the mean score from the threshold.
        by_spread: AURC of the agreement of the runs, nan for one run.
    """

    error: float
    best: float
    by_score: float
    by_spread: float


def aurc(wrong: np.ndarray, trust: np.ndarray) -> float:
    """Mean, over the films trusted most of every number, of the share of them that is wrong.

    Films of equal trust are taken in any order: each counts as the mean of its group.

    Args:
        wrong: (n,) bool: called wrongly.
        trust: (n,) the higher, the earlier a film is kept.

    Reference: Y. Geifman, G. Uziel & R. El-Yaniv, Bias-reduced uncertainty estimation for deep neural
        classifiers, 2019.
    """
    _, group = np.unique(-trust.astype(np.float64), return_inverse=True)
    expected = (np.bincount(group, wrong) / np.bincount(group))[group]
    kept = np.cumsum(expected[np.argsort(group, kind="stable")])
    return float(np.mean(kept / np.arange(1, len(wrong) + 1)))


def rank_errors(runs: Sequence[Scored]) -> Trust:
    """Averages the scores of a row's runs, and asks what tells their errors.

    Args:
        runs: The same recipe and films, one set per seed.
    """
    scores = np.stack([run.score for run in runs])
    mean = scores.mean(axis=0)
    wrong = (mean > 0) != (runs[0].labels == 1)
    spread = aurc(wrong, -scores.std(axis=0)) if len(runs) > 1 else np.nan
    return Trust(float(wrong.mean()), aurc(wrong, ~wrong), aurc(wrong, np.abs(mean)), spread)
