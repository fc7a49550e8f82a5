"""95 % intervals: a percentile bootstrap over patients, and over training seeds if a row has several.

Films of one patient are not independent, so patients are resampled, not films. All models of a board share
the resampled patients, so that differences between models can be taken replicate by replicate.
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
INTERVAL_LEVEL = 0.95
UNDEFINED_ALLOWED = 0.05
"""Share of undefined replicates (no predicted positive) above which there is no interval."""
COMPARED = ("auc", "f1")
"""Metrics whose replicates are kept, to rank rows and to compare them replicate by replicate."""
NO_REPLICATES = np.empty(0, np.float32)


@dataclass(frozen=True)
class Estimate:
    """A metric of one row.

    Args:
        value: Mean over runs, nan if one of them has no value.
        low: Lower end of the 95 % interval of that mean, nan if there is none.
        high: Upper end of that interval.
        sd: Standard deviation over runs, nan for one run.
        runs: Value of each run.
        replicates: (r,) float32 bootstrap replicates of the mean, for the metrics in `COMPARED`; empty for
            others.
    """

    value: float
    low: float
    high: float
    sd: float
    runs: tuple[float, ...]
    replicates: np.ndarray = field(default_factory=lambda: NO_REPLICATES, repr=False, compare=False)

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def resample_patients(
    labels: np.ndarray, patients: np.ndarray, replicates: int = REPLICATES, seed: int = 0
) -> np.ndarray:
    """Resample patients with replacement, keeping the number of patients of each class.

    Patients with films of both classes form a third stratum, so that no replicate loses a class.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) patient of each film.
        replicates: Number of replicates.
        seed: Random seed of the resampling.

    Returns:
        (replicates, n) float64 in column order: how often each film counts.
    """
    _, person = np.unique(patients, return_inverse=True)
    positive = np.bincount(person, labels == 1) > 0
    negative = np.bincount(person, labels == 0) > 0
    rng = np.random.default_rng(seed)
    times = np.zeros((replicates, len(positive)))
    for stratum in (negative & ~positive, positive & ~negative, positive & negative):
        members = np.flatnonzero(stratum)
        if len(members):
            chosen = rng.integers(len(members), size=(replicates, len(members)))
            chosen += len(members) * np.arange(replicates)[:, None]
            counts = np.bincount(chosen.ravel(), minlength=replicates * len(members))
            times[:, members] = counts.reshape(replicates, len(members))
    # In column order, because metrics go through the replicates film by film.
    return np.ascontiguousarray(times.T)[person].T


class PatientBootstrap:
    """Bootstrap over patients, shared by all rows of a board; it caches the resamples of a few sets of films.

    Args:
        replicates: Number of replicates.
        seed: Random seed of the resampling.
    """

    CACHED_SETS = 6

    def __init__(self, replicates: int = REPLICATES, seed: int = 0) -> None:
        self.replicates, self.seed = replicates, seed
        self._weights: dict[tuple[str, ...], np.ndarray] = {}
        self._totals: dict[tuple[str, ...], dict[str, np.ndarray]] = {}

    def weights(self, scored: LabelledPredictions) -> np.ndarray:
        """Return (1 + replicates, n) float64 film weights, the same for the same films.

        The first row counts every film once, so that one pass computes the value and its replicates.

        Args:
            scored: Predictions of n films.
        """
        if scored.ids not in self._weights:
            if len(self._weights) == self.CACHED_SETS:
                oldest = next(iter(self._weights))
                del self._weights[oldest], self._totals[oldest]
            resampled = resample_patients(scored.labels, scored.patients, self.replicates, self.seed)
            weights = np.concatenate([np.ones((len(scored), 1)), resampled.T], axis=1).T
            self._weights[scored.ids], self._totals[scored.ids] = weights, {}
        return self._weights[scored.ids]

    def estimate(
        self, runs: Sequence[LabelledPredictions], names: Iterable[str] = tuple(METRICS)
    ) -> dict[str, Estimate]:
        """Estimate the metrics of one row.

        Args:
            runs: Predictions of each seed or fold of one recipe on the same films.
            names: Keys of `METRICS`.

        Returns:
            Estimate of each metric.
        """
        names = tuple(names)
        found = [self._measure(run, names) for run in runs]
        # Rows share patients but not training seeds, so runs are resampled separately for each row.
        seed = (self.seed, zlib.crc32(runs[0].score.tobytes()))
        estimates = {}
        for name in names:
            values = np.stack([values[name] for values in found])
            estimate = estimate_mean(values[:, 0], values[:, 1:], seed, METRICS[name].bounds)
            estimates[name] = estimate if name in COMPARED else replace(estimate, replicates=NO_REPLICATES)
        return estimates

    def _measure(self, run: LabelledPredictions, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        weights = self.weights(run)
        return compute_metrics(run.labels, run.score, weights, run.subtypes, names, self._totals[run.ids])


def estimate_mean(
    values: np.ndarray,
    replicates: np.ndarray,
    seed: int | Sequence[int] = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate:
    """Estimate the mean of a metric over runs.

    Args:
        values: (s,) metric of each run.
        replicates: (s, r) metric of each run in each replicate of patients.
        seed: Random seed of the resampling of runs.
        bounds: Lowest and highest value of the metric.
    """
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    means = np.clip(resample_runs(replicates, seed), *bounds)
    low, high = percentile_interval(means)
    runs = tuple(map(float, values))
    return Estimate(float(values.mean()), low, high, sd, runs, means.astype(np.float32))


def resample_runs(replicates: np.ndarray, seed: int | Sequence[int] = 0) -> np.ndarray:
    """Resample runs with replacement and average them; all runs of a replicate have the same patients.

    The mean of s resampled runs has only (s − 1) / s of the variance of a mean over runs. Deviations are
    therefore scaled by the root of s / (s − 1) (Rao & Wu 1988), which may exceed a metric's bounds.

    Args:
        replicates: (s, r) metric of each run in each replicate of patients.
        seed: Random seed of the resampling of runs.

    Returns:
        (r,) replicates of the mean.
    """
    runs, count = replicates.shape
    if runs == 1:
        return replicates[0]
    chosen = _choose_runs(tuple(np.atleast_1d(seed).tolist()), runs, count)
    centre = replicates.mean(axis=0)
    deviation = replicates[chosen, np.arange(count)].mean(axis=0) - centre
    return centre + deviation * np.sqrt(runs / (runs - 1))


@lru_cache(maxsize=2)
def _choose_runs(seed: tuple[int, ...], runs: int, replicates: int) -> np.ndarray:
    """Return the (runs, replicates) indices of the resampled runs, the same for all metrics of a row."""
    return np.random.default_rng([*seed, runs]).integers(runs, size=(runs, replicates))


def percentile_interval(replicates: np.ndarray, level: float = INTERVAL_LEVEL) -> tuple[float, float]:
    """Return the central interval of (r,) replicates.

    Args:
        replicates: (r,) values, nan where undefined.
        level: Coverage, in 0–1.

    Returns:
        Lower and upper end; both nan if more than `UNDEFINED_ALLOWED` of the replicates have no value.
    """
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < (1 - UNDEFINED_ALLOWED) * len(replicates):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


class FilmMean(NamedTuple):
    """Mean of a measure over films, with its 95 % interval.

    Args:
        value: Mean over the films for which the measure is defined, nan if there is none.
        low: Lower end of the interval, nan if there is none.
        high: Upper end of the interval.
        films: Number of films for which the measure is defined.
    """

    value: float
    low: float
    high: float
    films: int

    @property
    def above_zero(self) -> bool:
        """True if the whole interval is above 0."""
        return bool(self.low > 0)


def mean_over_films(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> FilmMean:
    """Average a measure over films, with an interval by the percentile bootstrap over patients.

    Applied to differences of two methods film by film, it compares them in pairs.

    Args:
        values: (n,) measure of each film, nan if undefined.
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) patient of each film.
    """
    values = np.asarray(values, np.float64)
    defined = np.isfinite(values)
    if not defined.any():
        return FilmMean(np.nan, np.nan, np.nan, 0)
    values, labels, patients = values[defined], np.asarray(labels)[defined], np.asarray(patients)[defined]
    times = _resampled(tuple(labels.tolist()), tuple(patients.tolist()))
    low, high = percentile_interval(times @ values / times.sum(axis=1))
    return FilmMean(float(values.mean()), low, high, len(values))


@lru_cache(maxsize=16)
def _resampled(labels: tuple[int, ...], patients: tuple, /) -> np.ndarray:
    """Return resampled patients, cached because the measures of a board share a few sets of films."""
    return resample_patients(np.array(labels), np.array(patients))
