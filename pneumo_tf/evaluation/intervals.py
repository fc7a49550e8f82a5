"""95 % intervals of metrics: chance in the patients, and in training if a row has several runs.

All models of a board share the resampled patients, so that differences between models can be taken replicate
by replicate. A metric that lies in 0–1 has a score interval, in which the variance over replicates gives the
effective sample size; others have a percentile interval.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS, measure_films
from pneumo_tf.evaluation.resampling import BLOCK, REPLICATES, PatientResampling, resample_patients
from pneumo_tf.evaluation.score_interval import score_interval
from pneumo_tf.evaluation.training_variance import training_variance
from pneumo_tf.evaluation.weighted_counts import ScoredFilms

INTERVAL_LEVEL = 0.95
UNDEFINED_ALLOWED = 0.05
"""Share of undefined replicates (no predicted positive) above which there is no interval."""
LEAST_PATIENTS = 10
"""Patients that each class needs for an interval: with fewer, replicates do not show what chance can do."""
NO_VARIANCE = 1e-18
"""Variances up to this one are rounding errors."""
COMPARED = ("f1",)
"""Metrics whose replicates are kept, to compare rows replicate by replicate."""
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
        patients: Patients of the smaller class among those that the metric counts; None if not known.
    """

    value: float
    low: float
    high: float
    sd: float
    runs: tuple[float, ...]
    replicates: np.ndarray = field(default_factory=lambda: NO_REPLICATES, repr=False, compare=False)
    patients: int | None = None

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


@dataclass
class _ResampledFilms:
    """Films of a set with their replicates, kept if they fit into one block."""

    resampling: PatientResampling
    kept: list[tuple[np.ndarray, dict[str, np.ndarray]]] = field(default_factory=list)
    patients: dict[str, int] = field(default_factory=dict)


class PatientBootstrap:
    """Bootstrap over patients, shared by all rows of a board; it caches the resamples of a few sets of films.

    Args:
        replicates: Number of replicates.
        seed: Random seed of the resampling.
        block: Most film weights that are held at once; a set with more is resampled for each row.
    """

    CACHED_SETS = 8

    def __init__(self, replicates: int = REPLICATES, seed: int = 0, block: int = BLOCK) -> None:
        self.replicates, self.seed, self.block = replicates, seed, block
        self._sets: dict[tuple[str, ...], _ResampledFilms] = {}

    def replicate(
        self, scored: LabelledPredictions, measure: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Return (…, 1 + replicates) values of a measure: of the films as they are, then of each replicate.

        Args:
            scored: Predictions of n films; the same films have the same replicates.
            measure: Function from (r, n) film weights to (…, r) values.
        """
        return np.concatenate([measure(weights) for weights, _ in self._blocks(scored)], axis=-1)

    def count_patients(
        self, scored: LabelledPredictions, kinds: Iterable[str] = ("normal", "pneumonia")
    ) -> int:
        """Return the number of patients with films of a kind, for the kind that has fewest.

        Args:
            scored: Predictions.
            kinds: Kinds of films, as in `ScoredFilms.of`.
        """
        known = self._films(scored).patients
        for kind in kinds:
            if kind not in known:
                member = ScoredFilms(scored.labels, scored.score, scored.subtypes).of(kind)
                known[kind] = len(np.unique(scored.patients[member]))
        return min(known[kind] for kind in kinds)

    def estimate(
        self,
        runs: Sequence[LabelledPredictions],
        names: Iterable[str] = tuple(METRICS),
        training: Mapping[str, "Training"] | None = None,
    ) -> dict[str, Estimate]:
        """Estimate the metrics of one row.

        Args:
            runs: Predictions of each seed or fold of one recipe on the same films.
            names: Keys of `METRICS`.
            training: Chance of training by metric, if it is known from elsewhere than the spread of the runs.

        Returns:
            Estimate of each metric.
        """
        names = tuple(names)
        found = [self.measure(run, names) for run in runs]
        seed = self.seed_of(runs)
        estimates = {}
        for name in names:
            metric, values = METRICS[name], np.stack([values[name] for values in found])
            patients = self.count_patients(runs[0], metric.counted)
            known = training[name] if training else None
            estimate = estimate_mean(values[:, 0], values[:, 1:], patients, seed, metric.bounds, known)
            estimates[name] = estimate if name in COMPARED else replace(estimate, replicates=NO_REPLICATES)
        return estimates

    def seed_of(self, runs: Sequence[LabelledPredictions]) -> tuple[int, int]:
        """Return the seed of resampling runs: rows share patients, but not training seeds."""
        return self.seed, zlib.crc32(runs[0].score.tobytes())

    def measure(self, run: LabelledPredictions, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Return the (1 + replicates,) values of metrics, that of the films as they are first.

        Args:
            run: Predictions.
            names: Keys of `METRICS`.
        """
        films = ScoredFilms(run.labels, run.score, run.subtypes)
        parts = [measure_films(films, weights, names, totals) for weights, totals in self._blocks(run)]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _films(self, scored: LabelledPredictions) -> _ResampledFilms:
        if scored.ids not in self._sets:
            if len(self._sets) == self.CACHED_SETS:
                del self._sets[next(iter(self._sets))]
            resampling = PatientResampling(scored.labels, scored.patients, self.replicates, self.seed)
            self._sets[scored.ids] = _ResampledFilms(resampling)
        return self._sets[scored.ids]

    def _blocks(self, scored: LabelledPredictions) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Yield blocks of weights, each with its cache of sums; the first counts every film once."""
        films = self._films(scored)
        if films.kept:
            yield from films.kept
            return
        every = np.ones((1, len(scored)))
        if self.replicates * len(scored) > self.block:
            yield every, {}
            yield from ((weights, {}) for weights in films.resampling.blocks(self.block))
            return
        (weights,) = films.resampling.blocks(self.block)
        films.kept = [(np.concatenate([every, weights]), {})]
        yield from films.kept


def estimate_mean(
    values: np.ndarray,
    replicates: np.ndarray,
    patients: int,
    seed: int | Sequence[int] = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
    training: "Training | None" = None,
) -> Estimate:
    """Estimate the mean of a metric over runs.

    Args:
        values: (s,) metric of each run.
        replicates: (s, r) metric of each run in each replicate of patients.
        patients: Patients of the smaller class among those that the metric counts.
        seed: Random seed of the resampling of runs.
        bounds: Lowest and highest value of the metric.
        training: Chance of training; by default from the spread of the runs.
    """
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    means = np.clip(resample_runs(replicates, seed), *bounds).astype(np.float32)
    low, high = interval_of_mean(values, replicates, patients, bounds, training)
    return Estimate(float(values.mean()), low, high, sd, tuple(map(float, values)), means, patients)


def interval_of_mean(
    values: np.ndarray,
    replicates: np.ndarray,
    patients: int,
    bounds: tuple[float, float],
    training: "Training | None" = None,
) -> tuple[float, float]:
    """Return the interval of the mean of a metric over runs; both ends nan if there is none.

    Args:
        values: (s,) metric of each run.
        replicates: (s, r) metric of each run in each replicate of patients.
        patients: Patients of the smaller class among those that the metric counts; under `LEAST_PATIENTS`
            there is no interval.
        bounds: Lowest and highest value of the metric.
        training: Chance of training; by default from the spread of the runs.
    """
    value, shared = float(values.mean()), replicates.mean(axis=0)
    defined = np.isfinite(shared)
    if not np.isfinite(value) or patients < LEAST_PATIENTS or mostly_undefined(defined):
        return np.nan, np.nan
    # Replicates of m patients vary by (m − 1) / m of the variance of a mean over patients.
    scale = patients / (patients - 1)
    of_patients = float(shared[defined].var()) * scale
    if training is None:
        own = replicates[:, defined].var(axis=1) * scale
        training = Training(training_variance(values, own, of_patients), len(values) - 1)
    if not np.isfinite(training.variance):
        return np.nan, np.nan
    chance = Chance(of_patients, patients - 1, training)
    if bounds == (0.0, 1.0):
        return score_interval(value, chance.variance, chance.quantile, patients)
    ends = np.array(percentile_interval(shared)) - value
    low, high = np.clip(value + chance.widen(ends), *bounds)
    return float(low), float(high)


class Training(NamedTuple):
    """Chance of training in the mean of a metric over runs.

    Args:
        variance: Its variance, nan if it is not defined.
        freedom: Degrees of freedom of the variance, 0 for one run.
    """

    variance: float
    freedom: int


class Chance(NamedTuple):
    """Variance of a mean over runs: over patients, of the runs as they are, and that of training.

    The half-widths of both parts, each with its quantile of t, are added as squares, so that an interval
    holds its level whichever part is the larger.

    Args:
        of_patients: Variance over patients.
        patients_freedom: Its degrees of freedom.
        training: Chance of training.

    Reference: G. Zou & A. Donner, Construction of confidence limits about effect measures: a general
        approach, Stat. Med. 27, 2008.
    """

    of_patients: float
    patients_freedom: int
    training: Training

    @property
    def variance(self) -> float:
        """The sum of both; 0 if it is a rounding error."""
        total = self.of_patients + self.training.variance
        return total if total > NO_VARIANCE else 0.0

    @property
    def half_width(self) -> float:
        """Half the width of a symmetric interval."""
        squared = self.of_patients * t_quantile(self.patients_freedom) ** 2
        if self.training.variance > 0:
            squared += self.training.variance * t_quantile(self.training.freedom) ** 2
        return float(np.sqrt(squared))

    @property
    def quantile(self) -> float:
        """Half the width in standard errors; that of a normal distribution without variance."""
        return self.half_width / np.sqrt(self.variance) if self.variance > 0 else t_quantile(np.inf)

    def widen(self, ends: np.ndarray) -> np.ndarray:
        """Widen the distances of a percentile interval over patients by the other part."""
        if self.of_patients <= NO_VARIANCE:
            return self.half_width * np.array([-1, 1])
        return ends * self.half_width / (np.sqrt(self.of_patients) * t_quantile(np.inf))


def t_quantile(degrees_of_freedom: float, level: float = INTERVAL_LEVEL) -> float:
    """Return the quantile of t that a central interval needs."""
    return float(stdtrit(degrees_of_freedom, (1 + level) / 2))


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
    defined = np.isfinite(replicates)
    if mostly_undefined(defined):
        return np.nan, np.nan
    low, high = np.quantile(replicates[defined], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mostly_undefined(defined: np.ndarray) -> bool:
    """Return whether more than `UNDEFINED_ALLOWED` of (r,) replicates have no value."""
    return np.count_nonzero(defined) < (1 - UNDEFINED_ALLOWED) * len(defined)


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
