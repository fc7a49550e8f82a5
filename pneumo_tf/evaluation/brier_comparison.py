"""Tests of differences in Brier score between models on the same films, clustered by patient."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from pneumo_tf.evaluation.comparison import Comparison, align_runs, compare_pairs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.training_variance import spread_of_mean, training_variance


def compare_brier(rows: Sequence[Sequence[LabelledPredictions]]) -> Comparison:
    """Compare the Brier scores of every pair of rows, as means over films of squared errors.

    The variance of a mean over films is that of the sums of its patients, whose films are not independent.

    Args:
        rows: Runs of each row over seeds, all on the same films.

    Returns:
        Comparison of the k rows; all nan unless there are at least two patients.

    Reference: K.-Y. Liang & S. Zeger, Longitudinal data analysis using generalized linear models, Biometrika
        73, 1986. With one film per patient it is the paired test of a mean difference, in large samples.
    """
    films, scores = align_runs(rows)
    _, person = np.unique(films.patients, return_inverse=True)
    if person.max(initial=0) == 0:
        nothing = np.full((len(rows), len(rows)), np.nan)
        return Comparison(nothing, nothing, nothing)
    errors = [(expit(score) - films.labels) ** 2 for score in scores]
    sums = [_centred_sums(error, person) for error in errors]
    covariance = _covariance(np.array([runs.mean(axis=0) for runs in sums]), len(films))
    own = np.diag(covariance)
    values = [error.mean(axis=1) for error in errors]
    training = [
        training_variance(value, np.diag(_covariance(runs, len(films))), variance_of_mean)
        for value, runs, variance_of_mean in zip(values, sums, own, strict=True)
    ]
    spread = [spread_of_mean(value) for value in values]
    return compare_pairs(
        np.array([value.mean() for value in values]),
        own[:, None] + own[None, :] - 2 * covariance,
        np.array(training),
        np.array([len(value) for value in values]),
        np.array(spread),
    )


def _centred_sums(errors: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return (s, patients): the sum over a patient's films of the error of each run, minus its mean."""
    return np.array([np.bincount(person, error - error.mean()) for error in errors])


def _covariance(sums: np.ndarray, films: int) -> np.ndarray:
    """Return the (k, k) covariances of means over films from the (k, patients) centred sums."""
    patients = sums.shape[1]
    return patients / (patients - 1) * (sums @ sums.T) / films**2
