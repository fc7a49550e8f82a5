"""Comparison of every pair of rows on one metric: differences, variances, tests, Holm's correction.

A comparison is paired by film and clustered by patient, so films that are hard for every model add no
variance. `auc_comparison` compares AUCs, `proportion_comparison` proportions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtr, stdtrit

from pneumo_tf.evaluation.intervals import INTERVAL_LEVEL
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions

SIGNIFICANCE = 0.05
"""Significance level of every test, after Holm's correction."""


@dataclass(frozen=True)
class Comparison:
    """Comparison of all pairs of k rows; element [i, j] is for row i minus row j, nan if either has no value.

    Args:
        difference: (k, k) tested difference.
        variance: (k, k) variance of the difference over patients and trainings.
        degrees_of_freedom: (k, k) degrees of freedom of the variance, infinite if both rows have one seed.
    """

    difference: np.ndarray
    variance: np.ndarray
    degrees_of_freedom: np.ndarray

    @cached_property
    def p(self) -> np.ndarray:
        """(k, k) two-sided p-value of each pair, uncorrected; 1 if the difference is 0."""
        above = np.triu_indices(len(self.difference), 1)
        difference = np.abs(self.difference[above])
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = difference / np.sqrt(self.variance[above])
        statistic[difference == 0] = 0.0
        return self._symmetric(2 * stdtr(self.degrees_of_freedom[above], -statistic))

    @cached_property
    def adjusted(self) -> np.ndarray:
        """(k, k) p-value after Holm's correction over all pairs; 1 on the diagonal."""
        return self._symmetric(holm(self.p[np.triu_indices(len(self.p), 1)]))

    def _symmetric(self, above: np.ndarray) -> np.ndarray:
        """Return (k, k) values from the pairs above the diagonal, row by row; 1 on the diagonal."""
        whole = np.ones_like(self.difference)
        rows, columns = np.triu_indices(len(whole), 1)
        whole[rows, columns] = whole[columns, rows] = above
        return whole

    @cached_property
    def significant(self) -> np.ndarray:
        """(k, k) bool: True if the rows of a pair differ significantly after Holm's correction."""
        return self.adjusted < SIGNIFICANCE

    def interval(self, i: int, j: int, level: float = INTERVAL_LEVEL) -> tuple[float, float]:
        """Return the interval of the difference of one pair, without correction for the other pairs."""
        half_width = stdtrit(self.degrees_of_freedom[i, j], (1 + level) / 2) * np.sqrt(self.variance[i, j])
        return float(self.difference[i, j] - half_width), float(self.difference[i, j] + half_width)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values by Holm's method, which controls the family-wise error rate.

    Args:
        p: (m,) p-values; nan are not counted as tests.

    Returns:
        (m,) adjusted p-values in the order of `p`, nan where `p` is.

    Reference: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6, 1979.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def compare_pairs(
    values: np.ndarray,
    patient_variance: np.ndarray,
    training: np.ndarray,
    seeds: np.ndarray,
    spread: np.ndarray,
) -> Comparison:
    """Compare every pair of rows, adding the variance of training to the variance over patients.

    Seeds of a recipe correspond to readers of a modality: each scores all films, and recipes share no seed.
    The variance of a difference is the variance over patients plus the training variance of both rows. With
    few seeds the latter is uncertain, hence the degrees of freedom (Satterthwaite).

    Args:
        values: (k,) metric of each row, mean over seeds.
        patient_variance: (k, k) variance over patients of each difference of means over seeds.
        training: (k,) training variance of each row, as `training_variance` returns it.
        seeds: (k,) number of seeds of each row.
        spread: (k,) observed variance over seeds, divided by the number of seeds; 0 for one seed.

    Reference: N. Obuchowski & H. Rockette, Hypothesis testing of diagnostic accuracy for multiple readers
        and multiple tests, Commun. Stat. Simul. 24, 1995; S. Hillis, Stat. Med. 26, 2007.
    """
    variance = patient_variance + training[:, None] + training[None, :]
    np.fill_diagonal(variance, 0.0)
    uncertain = spread**2 / np.maximum(seeds - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees_of_freedom = variance**2 / (uncertain[:, None] + uncertain[None, :])
    degrees_of_freedom = np.where(
        np.isfinite(degrees_of_freedom) & (degrees_of_freedom > 0),
        np.maximum(degrees_of_freedom, 1.0),
        np.inf,
    )
    difference = values[:, None] - values[None, :]
    # Equal rows may differ by rounding.
    difference[np.abs(difference) < 1e-12] = 0.0
    return Comparison(difference, np.where(variance < 1e-18, 0.0, variance), degrees_of_freedom)


def align_runs(rows: Sequence[Sequence[LabelledPredictions]]) -> tuple[LabelledPredictions, list[np.ndarray]]:
    """Reorder the films of all runs as in the first run.

    Args:
        rows: Runs of each row.

    Returns:
        The first run; and for each row the (s, n) scores of its s runs on n films.

    Raises:
        ValueError: If two runs have different films.
    """
    first = rows[0][0]
    place: dict[str, int] = {}
    scores = []
    for runs in rows:
        stacked = np.empty((len(runs), len(first)))
        for index, run in enumerate(runs):
            if run.ids == first.ids:
                stacked[index] = run.score
                continue
            place = place or {film: at for at, film in enumerate(first.ids)}
            if len(run) != len(first) or not set(run.ids) <= set(place):
                raise ValueError("rows were scored on different films")
            stacked[index, [place[film] for film in run.ids]] = run.score
        scores.append(stacked)
    return first, scores
