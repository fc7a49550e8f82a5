"""95 % intervals: a percentile bootstrap that resamples patients, and training seeds where there are several.

Films of one person are not independent, so persons are drawn, not films. Every model of a board meets the
same draws, so that differences between models can be taken replicate by replicate.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS, compute_metrics

REPLICATES = 2000
LEVEL = 0.95
UNDEFINED_ALLOWED = 0.05
"""Share of replicates without a value, such as no film called pneumonia, above which there is no interval."""
COMPARED = ("auc", "f1")
"""Metrics whose replicates are kept, to rank rows and to compare them replicate by replicate."""
NO_REPLICATES = np.empty(0, np.float32)


@dataclass(frozen=True)
class Estimate:
    """A metric of one row.

    Args:
        value: Mean over runs, nan where one of them has no value.
        low: Lower end of the 95 % interval of that mean, nan where there is none.
        high: Upper end.
        sd: Standard deviation over runs, nan for one run.
        runs: The value of each run.
        replicates: (r,) float32: bootstrap replicates of the mean, by which rows are compared; kept for
            the metrics in `COMPARED`, empty for others.
    """

    value: float
    low: float
    high: float
    sd: float
    runs: tuple[float, ...]
    replicates: np.ndarray = field(default_factory=lambda: NO_REPLICATES, repr=False, compare=False)

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


def resample_patients(
    labels: np.ndarray, patients: np.ndarray, replicates: int = REPLICATES, seed: int = 0
) -> np.ndarray:
    """Draws patients with replacement, as many of each class as there are.

    A patient with films of both classes belongs to a class of its own, so that no replicate loses a class.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) key of the person on each film.
        replicates: Draws.
        seed: Of the draws.

    Returns:
        (replicates, n) float64 in column order: how often each film counts.
    """
    _, person = np.unique(patients, return_inverse=True)
    sick = np.bincount(person, labels == 1) > 0
    well = np.bincount(person, labels == 0) > 0
    rng = np.random.default_rng(seed)
    times = np.zeros((replicates, len(sick)))
    for members in (np.flatnonzero(well & ~sick), np.flatnonzero(sick & ~well), np.flatnonzero(sick & well)):
        if len(members):
            drawn = rng.integers(len(members), size=(replicates, len(members)))
            drawn += len(members) * np.arange(replicates)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=replicates * len(members))
            times[:, members] = counts.reshape(replicates, len(members))
    # The draws of a film lie together: metrics go through them film by film.
    return np.ascontiguousarray(times.T)[person].T


class PatientBootstrap:
    """The patient draws of a board, kept for the sets of films met last.

    Args:
        replicates: Draws.
        seed: Of the draws.
    """

    KEPT = 6

    def __init__(self, replicates: int = REPLICATES, seed: int = 0) -> None:
        self.replicates, self.seed = replicates, seed
        self._weights: dict[tuple[str, ...], np.ndarray] = {}
        self._totals: dict[tuple[str, ...], dict[str, np.ndarray]] = {}

    def weights(self, scored: LabelledPredictions) -> np.ndarray:
        """(1 + replicates, n) float64 for the films of a set, the same for the same films.

        The first row counts every film once: one pass over the films gives the value with its replicates.
        """
        if scored.ids not in self._weights:
            if len(self._weights) == self.KEPT:
                oldest = next(iter(self._weights))
                del self._weights[oldest], self._totals[oldest]
            drawn = resample_patients(scored.labels, scored.patients, self.replicates, self.seed)
            drawn = np.concatenate([np.ones((len(scored), 1)), drawn.T], axis=1).T
            self._weights[scored.ids], self._totals[scored.ids] = drawn, {}
        return self._weights[scored.ids]

    def estimate(
        self, runs: Sequence[LabelledPredictions], names: Iterable[str] = tuple(METRICS)
    ) -> dict[str, Estimate]:
        """Estimates the metrics of one row.

        Args:
            runs: The same model and films, one set per seed; or one set per fold.
            names: Keys of `METRICS`.
        """
        names = tuple(names)
        found = [self._measure(run, names) for run in runs]
        # Patients are drawn alike for all rows, training is not: rows share films, and no seed of theirs.
        seed = (self.seed, zlib.crc32(runs[0].score.tobytes()))
        estimates = {}
        for name in names:
            values = np.stack([of[name] for of in found])
            estimate = summarise(values[:, 0], values[:, 1:], seed, METRICS[name].bounds)
            estimates[name] = estimate if name in COMPARED else replace(estimate, replicates=NO_REPLICATES)
        return estimates

    def _measure(self, run: LabelledPredictions, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        weights = self.weights(run)
        return compute_metrics(run.labels, run.score, weights, run.subtypes, names, self._totals[run.ids])


def summarise(
    values: np.ndarray,
    replicates: np.ndarray,
    seed: int | Sequence[int] = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate:
    """Turns the values of runs and their replicates into a mean with its interval.

    Args:
        values: (s,) the metric of each run.
        replicates: (s, r) the metric of each run under each draw of patients.
        seed: Of the draw of runs.
        bounds: Lowest and highest value that the metric can take.
    """
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    draws = np.clip(resample_runs(replicates, seed), *bounds)
    low, high = percentile_interval(draws)
    runs = tuple(map(float, values))
    return Estimate(float(values.mean()), low, high, sd, runs, draws.astype(np.float32))


def resample_runs(replicates: np.ndarray, seed: int | Sequence[int] = 0) -> np.ndarray:
    """Draws runs with replacement and averages them, the same patients for all runs of a replicate.

    The plain draw of s runs has (s − 1) / s of the variance between runs, half of it for two; deviations are
    stretched by the root of s / (s − 1) (Rao & Wu 1988), which can carry a replicate past a metric's bounds.

    Args:
        replicates: (s, r) the metric of each run under each draw of patients.
        seed: Of the draw of runs.

    Returns:
        (r,) replicates of the mean.
    """
    runs, draws = replicates.shape
    if runs == 1:
        return replicates[0]
    chosen = _choose_runs(tuple(np.atleast_1d(seed).tolist()), runs, draws)
    centre = replicates.mean(axis=0)
    deviation = replicates[chosen, np.arange(draws)].mean(axis=0) - centre
    return centre + deviation * np.sqrt(runs / (runs - 1))


@lru_cache(maxsize=2)
def _choose_runs(seed: tuple[int, ...], runs: int, draws: int) -> np.ndarray:
    """(runs, draws) which run takes each place; the same for all metrics of a row."""
    return np.random.default_rng([*seed, runs]).integers(runs, size=(runs, draws))


def percentile_interval(replicates: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The central interval of (r,) replicates; nan, nan where too many have no value."""
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < (1 - UNDEFINED_ALLOWED) * len(replicates):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


class FilmMean(NamedTuple):
    """A mean over films.

    Args:
        value: Over the films for which the measure is defined, nan where there is none.
        low: Lower end of its 95 % interval, nan where there is none.
        high: Upper end.
        films: How many films it rests on.
    """

    value: float
    low: float
    high: float
    films: int

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is above 0."""
        return bool(self.low > 0)


def mean_over_films(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> FilmMean:
    """Averages a measure over films, with the percentile bootstrap of patients that the board uses.

    Of the difference of two methods film by film it gives the paired comparison.

    Args:
        values: (n,) the measure of each film, nan where it has none.
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) key of the person on each film.
    """
    values = np.asarray(values, np.float64)
    defined = np.isfinite(values)
    if not defined.any():
        return FilmMean(np.nan, np.nan, np.nan, 0)
    values, labels, patients = values[defined], np.asarray(labels)[defined], np.asarray(patients)[defined]
    times = _draws(tuple(labels.tolist()), tuple(patients.tolist()))
    low, high = percentile_interval(times @ values / times.sum(axis=1))
    return FilmMean(float(values.mean()), low, high, len(values))


@lru_cache(maxsize=16)
def _draws(labels: tuple[int, ...], patients: tuple, /) -> np.ndarray:
    """The draws of patients, kept: the measures of a board are taken on few sets of films."""
    return resample_patients(np.array(labels), np.array(patients))
