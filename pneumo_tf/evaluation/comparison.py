"""Every pair of rows on one metric: differences, variances, tests, and Holm's correction over all pairs.

A comparison is paired by film and clustered by patient, and so is free of what makes films hard for every
model. `obuchowski` compares AUCs, `durkalski` proportions; what has no formula goes by the bootstrap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtr, stdtrit

from pneumo_tf.evaluation.intervals import LEVEL
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions

SIGNIFICANCE = 0.05
"""Level of every test, after Holm's correction."""


@dataclass(frozen=True)
class Comparison:
    """Pairs of k rows; element [i, j] speaks of row i minus row j, nan where a row has no value.

    Args:
        difference: (k, k) as it is tested.
        variance: (k, k) of that difference, of patients and of training together.
        freedom: (k, k) degrees of freedom of the variance, infinite where no spread of seeds enters it.
    """

    difference: np.ndarray
    variance: np.ndarray
    freedom: np.ndarray

    @cached_property
    def p(self) -> np.ndarray:
        """(k, k) two-sided p of each pair alone; rows that differ on no film have 1."""
        above = np.triu_indices(len(self.difference), 1)
        difference = np.abs(self.difference[above])
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = difference / np.sqrt(self.variance[above])
        statistic[difference == 0] = 0.0
        return self._symmetric(2 * stdtr(self.freedom[above], -statistic))

    @cached_property
    def adjusted(self) -> np.ndarray:
        """(k, k) p after Holm's correction over all pairs; 1 on the diagonal."""
        return self._symmetric(holm(self.p[np.triu_indices(len(self.p), 1)]))

    def _symmetric(self, above: np.ndarray) -> np.ndarray:
        """(k, k) from the pairs above the diagonal, row by row; 1 on the diagonal."""
        whole = np.ones_like(self.difference)
        rows, columns = np.triu_indices(len(whole), 1)
        whole[rows, columns] = whole[columns, rows] = above
        return whole

    @cached_property
    def significant(self) -> np.ndarray:
        """(k, k) bool: whether the rows of a pair differ after Holm's correction."""
        return self.adjusted < SIGNIFICANCE

    def interval(self, i: int, j: int, level: float = LEVEL) -> tuple[float, float]:
        """Interval of the difference of one pair, without correction for the other pairs."""
        reach = stdtrit(self.freedom[i, j], (1 + level) / 2) * np.sqrt(self.variance[i, j])
        return float(self.difference[i, j] - reach), float(self.difference[i, j] + reach)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusts p-values so that the chance of any false rejection keeps its level (Holm 1979).

    Args:
        p: (m,) p-values; nan are left out of the count.

    Returns:
        (m,) adjusted p-values, in the order given.

    Reference: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6, 1979.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def compare_pairs(
    values: np.ndarray, between: np.ndarray, training: np.ndarray, seeds: np.ndarray, spread: np.ndarray
) -> Comparison:
    """Puts the variance over patients and that of training together.

    Seeds are to a recipe what readers are to a modality, each reading all films and none shared between
    recipes: the variance of a difference is that of the patients plus, for each row, that of its training.
    The spread of few seeds is itself uncertain, hence the degrees of freedom (Satterthwaite).

    Args:
        values: (k,) mean over seeds.
        between: (k, k) variance over patients of each difference, of the means over seeds.
        training: (k,) what `training_variance` gives.
        seeds: (k,) seeds of each row.
        spread: (k,) variance over seeds as observed, divided by the seeds; 0 for one seed.

    Reference: N. Obuchowski & H. Rockette, Hypothesis testing of diagnostic accuracy for multiple readers
        and multiple tests, Commun. Stat. Simul. 24, 1995; S. Hillis, Stat. Med. 26, 2007.
    """
    variance = between + training[:, None] + training[None, :]
    np.fill_diagonal(variance, 0.0)
    uncertain = spread**2 / np.maximum(seeds - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / (uncertain[:, None] + uncertain[None, :])
    freedom = np.where(np.isfinite(freedom) & (freedom > 0), np.maximum(freedom, 1.0), np.inf)
    difference = values[:, None] - values[None, :]
    # What rounding leaves of equal rows is no difference.
    difference[np.abs(difference) < 1e-12] = 0.0
    return Comparison(difference, np.where(variance < 1e-18, 0.0, variance), freedom)


def training_variance(values: np.ndarray, variances: np.ndarray, of_mean: float) -> float:
    """Variance that training adds to a mean over seeds, beyond what the patients explain.

    Seeds differ on the same films also because each errs on patients of its own. That part is in the
    variance over patients already and is taken off the observed spread (Obuchowski & Rockette 1995).

    Args:
        values: (s,) the metric of each seed.
        variances: (s,) variance over patients of each seed's metric.
        of_mean: Variance over patients of the mean over seeds.

    Returns:
        0 for one seed: how training varies is not known then, and the test speaks of that one model.
    """
    seeds = len(values)
    if seeds == 1:
        return 0.0
    own_errors = (variances.mean() - of_mean) * seeds / (seeds - 1)
    return max(0.0, float(values.var(ddof=1)) - own_errors) / seeds


def align_runs(rows: Sequence[Sequence[LabelledPredictions]]) -> tuple[LabelledPredictions, list[np.ndarray]]:
    """Brings the runs of all rows into one order of films.

    Args:
        rows: For each row its runs.

    Returns:
        The first run, for its films, and for each row the scores of its runs, (s, n) each.

    Raises:
        ValueError: Where two runs hold different films, which cannot be paired.
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
