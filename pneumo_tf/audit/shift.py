"""Whether the test films of a class look like its training films: a classifier that tells them apart."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pneumo_tf.audit.classifier import grouped_folds, score_folds
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.evaluation.intervals import percentile_interval, resample_patients
from pneumo_tf.evaluation.metrics import measure

DRAWS = 10
"""Of each null: its range needs no more, and each takes five fits."""

FEWEST_PATIENTS = 10
"""Patients of a class in train and in test below which there is nothing to tell apart."""


class Shift(NamedTuple):
    """How well thumbnails tell the test films of a class from its training films.

    Args:
        subtype: Of the films.
        films: In train and in test.
        auc: Cross-validated, patients kept whole: 0.5 says that nothing tells them apart.
        low: Lower end of the 95 % interval, patients resampled.
        high: Upper end.
        drawn: (draws,) the same AUC where the patients called test are drawn at random from all.
        blocks: (draws,) the same where they are neighbours in the numbering of the training patients.
    """

    subtype: str
    films: tuple[int, int]
    auc: float
    low: float
    high: float
    drawn: np.ndarray
    blocks: np.ndarray


def shifts(decoded: DecodedSet) -> Iterator[Shift]:
    """Measures the shift of each class that has enough patients on both sides."""
    for subtype in ("normal", "bacteria", "virus", "pneumonia"):
        chosen = np.flatnonzero(decoded.subtypes == subtype)
        test = decoded.splits[chosen] == "test"
        patients = decoded.patients[chosen]
        if min(len(set(patients[test])), len(set(patients[~test]))) >= FEWEST_PATIENTS:
            pixels = decoded.copies.thumbnail[chosen].reshape(len(chosen), -1).astype(float)
            yield _shift(subtype, pixels, test, patients)


def _shift(subtype: str, pixels: np.ndarray, test: np.ndarray, patients: np.ndarray) -> Shift:
    rng = np.random.default_rng(0)
    score, everyone = _cross_validate(pixels, test, patients), np.unique(patients)
    weights = resample_patients(test, patients)
    auc = float(_auc(test, score)[0])
    low, high = percentile_interval(_auc(test, score, weights))
    count = len(set(patients[test]))
    drawn = [_null(pixels, patients, rng.choice(everyone, count, replace=False)) for _ in range(DRAWS)]
    inside, order = ~test, np.array(sorted(set(patients[~test]), key=in_numbering))
    starts = rng.integers(len(order) - count, size=DRAWS) if len(order) >= 2 * count else []
    blocks = [_null(pixels[inside], patients[inside], order[at : at + count]) for at in starts]
    return Shift(subtype, (inside.sum(), test.sum()), auc, low, high, np.array(drawn), np.array(blocks))


def in_numbering(patient: str) -> tuple[str, int, str]:
    """Sorts patients as the source numbered them: `bacteria-9` before `bacteria-10`."""
    series, number = re.fullmatch(r"(.*?)(\d*)", patient, re.DOTALL).groups()
    return series, int(number or 0), patient


def _null(pixels: np.ndarray, patients: np.ndarray, called_test: np.ndarray) -> float:
    test = np.isin(patients, called_test)
    return float(_auc(test, _cross_validate(pixels, test, patients))[0])


def _cross_validate(pixels: np.ndarray, test: np.ndarray, patients: np.ndarray) -> np.ndarray:
    return score_folds(pixels, test.astype(int), grouped_folds(test, patients))


def _auc(test: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    return measure(test.astype(int), score, weights, names=["auc"])["auc"]
