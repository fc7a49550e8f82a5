"""Tests of differences in accuracy, sensitivity and specificity, clustered by patient (Durkalski 2003)."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.comparison import Comparison, align_runs, compare_pairs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.training_variance import spread_of_mean, training_variance

COUNTED_LABEL = {"accuracy": None, "sensitivity": 1, "specificity": 0}
"""Proportions that can be compared, with the true label of the films that count; None if all do."""


def compare_proportion(rows: Sequence[Sequence[LabelledPredictions]], metric: str) -> Comparison:
    """Compare the share of correctly predicted films between every pair of rows.

    Every patient has the same weight, whatever the number of films: the tested difference is a mean over
    patients of differences of shares. It may differ from that on the board, which counts films.

    Args:
        rows: Runs of each row over seeds, all on the same films; a film that only some seeds predict
            correctly counts in part.
        metric: A key of `COUNTED_LABEL`.

    Returns:
        Comparison of the k rows; all nan if there is no film to count.

    Reference: V. Durkalski, Y. Palesch, S. Lipsitz & P. Rust, Analysis of clustered matched-pair data, Stat.
        Med. 22, 2003. With one film per patient it is McNemar's test without continuity correction.
    """
    films, scores = align_runs(rows)
    shares = [_correct_by_patient(films, score, COUNTED_LABEL[metric]) for score in scores]
    patients = shares[0].shape[1]
    if patients == 0:
        nothing = np.full((len(rows), len(rows)), np.nan)
        return Comparison(nothing, nothing, nothing)
    means = np.array([share.mean(axis=0) for share in shares])
    training, spread = np.zeros(len(rows)), np.zeros(len(rows))
    for index, share in enumerate(shares):
        values, variances = share.mean(axis=1), _variance_of_mean(share)
        training[index] = training_variance(values, variances, _variance_of_mean(means[index : index + 1])[0])
        spread[index] = spread_of_mean(values)
    products = means @ means.T
    own = np.diag(products)
    # Under the null hypothesis the differences have mean 0, so they are not centred.
    squares = own[:, None] + own[None, :] - 2 * products
    patient_variance = np.where(squares < 1e-9, 0.0, squares) / patients**2
    return compare_pairs(
        means.mean(axis=1), patient_variance, training, np.array([len(share) for share in shares]), spread
    )


def _correct_by_patient(films: LabelledPredictions, scores: np.ndarray, label: int | None) -> np.ndarray:
    """Return (s, patients): the share of each patient's films of a class that each run predicts correctly."""
    counted = np.ones(len(films), bool) if label is None else films.labels == label
    _, person = np.unique(films.patients[counted], return_inverse=True)
    correct = (scores[:, counted] > 0) == (films.labels[counted] == 1)
    each = np.bincount(person)
    return np.array([np.bincount(person, row, len(each)) / each for row in correct]).reshape(len(scores), -1)


def _variance_of_mean(shares: np.ndarray) -> np.ndarray:
    """Return the (s,) variance of the mean over patients of each run's shares."""
    patients = shares.shape[1]
    return shares.var(axis=1, ddof=1) / patients if patients > 1 else np.zeros(len(shares))
