"""External validation: a model on external films, at the threshold chosen on its validation films."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pneumo_tf.evaluation.calibration_line import calibration_intercept, calibration_slope
from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap, estimate_mean
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.operating_points import choose_threshold
from pneumo_tf.evaluation.ratio import ratio

POINT = "youden"
"""The operating point whose threshold is chosen on the validation films of the source."""

UNBOUNDED = (-np.inf, np.inf)

EXTERNAL_SEED = 1
"""Seed of the replicates of external patients, which are independent of those of the source."""

LOCAL_FILMS = (50, 100, 200)
"""Numbers of external films on which a local threshold is chosen."""

LOCAL_SAMPLES = 500


@dataclass(frozen=True)
class ExternalResult:
    """Estimates for one row on one external set, means over runs with intervals.

    Args:
        auc: AUC on the external films.
        change: AUC on the external films minus AUC on the source's test films.
        sensitivity: Sensitivity at the threshold chosen on the source's validation films.
        specificity: Specificity at the same threshold.
        slope: Calibration slope of the logit; 1 is best.
        intercept: Calibration intercept of the logit; 0 is best.
    """

    auc: Estimate
    change: Estimate
    sensitivity: Estimate
    specificity: Estimate
    slope: Estimate
    intercept: Estimate


@dataclass(frozen=True)
class LocalRates:
    """Rates at thresholds chosen on samples of external films, measured on the other external films.

    Args:
        films: Number of films that a threshold is chosen on.
        sensitivity: Mean over samples and runs, with the 5th and the 95th percentile.
        specificity: The same of the specificity.
    """

    films: int
    sensitivity: tuple[float, float, float]
    specificity: tuple[float, float, float]


def measure_external(
    source: PatientBootstrap,
    external_bootstrap: PatientBootstrap,
    validation: Sequence[LabelledPredictions],
    test: Sequence[LabelledPredictions],
    external: Sequence[LabelledPredictions],
) -> ExternalResult:
    """Measure the runs of a row on an external set.

    Args:
        source: Resampled patients of the source.
        external_bootstrap: Resampled patients of the external set.
        validation: Predictions of the source's validation films, one set per run, to choose the threshold.
        test: Predictions of the source's test films, one set per run.
        external: Predictions of the external films, one set per run.

    Returns:
        The estimates. Patients of both sets are resampled independently, runs together.
    """
    seed = external_bootstrap.seed_of(test)
    here = np.stack([source.replicate(run, partial(_auc, run)) for run in test])
    there = np.stack([external_bootstrap.replicate(run, partial(_auc, run)) for run in external])
    rates = np.stack(
        [
            external_bootstrap.replicate(run, partial(rates_at, choose_threshold(POINT, fixed), run))
            for fixed, run in zip(validation, external, strict=True)
        ]
    )
    lines = [
        np.stack([external_bootstrap.replicate(run, partial(fit, run.labels, run.score)) for run in external])
        for fit in (calibration_slope, calibration_intercept)
    ]
    positive, negative, both = (
        external_bootstrap.count_patients(external[0], kinds)
        for kinds in (("pneumonia",), ("normal",), ("pneumonia", "normal"))
    )

    def estimate(values: np.ndarray, patients: int, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
        return estimate_mean(values[:, 0], values[:, 1:], patients, seed, bounds)

    return ExternalResult(
        estimate(there, both),
        estimate(there - here, min(both, source.count_patients(test[0])), (-1.0, 1.0)),
        estimate(rates[:, 0], positive),
        estimate(rates[:, 1], negative),
        *(estimate(line, both, UNBOUNDED) for line in lines),
    )


def rates_at(threshold: float, films: LabelledPredictions, weights: np.ndarray) -> np.ndarray:
    """Return sensitivity and specificity at a threshold of the score under r sets of weights.

    Args:
        threshold: Score above which a film is predicted positive; nan gives nan.
        films: Predictions of n films.
        weights: (r, n) how often each film counts.

    Returns:
        (2, r) float64; nan for a class without films.
    """
    if not np.isfinite(threshold):
        return np.full((2, len(weights)), np.nan)
    found = np.empty((2, len(weights)))
    for row, (label, hit) in enumerate(((1, films.score > threshold), (0, films.score <= threshold))):
        member = films.labels == label
        found[row] = ratio(weights @ (member & hit), weights @ member)
    return found


def choose_locally(
    external: Sequence[LabelledPredictions], films: int, samples: int = LOCAL_SAMPLES, seed: int = 0
) -> LocalRates | None:
    """Choose thresholds on random external films, and measure them on the films of the other patients.

    Args:
        external: Predictions of the external films, one set per run; all of the same films.
        films: Number of films per choice, or a few more, because all films of a patient are used together.
        samples: Number of random choices of these films.
        seed: Random seed of the choices.

    Returns:
        The rates; None if fewer than `films` films are left to measure them on.
    """
    first = external[0]
    if 2 * films > len(first):
        return None
    rng = np.random.default_rng(seed)
    people, person = np.unique(first.patients, return_inverse=True)
    counts = np.bincount(person)
    rates = []
    for _ in range(samples):
        order = rng.permutation(len(people))
        taken = order[: 1 + np.searchsorted(np.cumsum(counts[order]), films)]
        local = np.isin(person, taken)
        rates += [_measure_rest(run, local) for run in external]
    found = np.array(rates)
    found = found[np.isfinite(found).all(axis=1)]
    if not len(found):
        return None
    summary = [(column.mean(), *np.quantile(column, [0.05, 0.95])) for column in found.T]
    return LocalRates(films, *(tuple(map(float, one)) for one in summary))


def _measure_rest(run: LabelledPredictions, local: np.ndarray) -> np.ndarray:
    threshold = choose_threshold(POINT, run.where(local))
    rest = run.where(~local)
    return rates_at(threshold, rest, np.ones((1, len(rest))))[:, 0]


def _auc(run: LabelledPredictions, weights: np.ndarray) -> np.ndarray:
    return compute_metrics(run.labels, run.score, weights, names=["auc"])["auc"]
