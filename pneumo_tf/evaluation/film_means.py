"""Means over films of what is measured film by film, with the intervals of the board."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pneumo_tf.evaluation.intervals import percentile_interval, resample_patients


class Mean(NamedTuple):
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


def mean_over_films(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> Mean:
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
        return Mean(np.nan, np.nan, np.nan, 0)
    values, labels, patients = values[defined], np.asarray(labels)[defined], np.asarray(patients)[defined]
    times = _draws(tuple(labels.tolist()), tuple(patients.tolist()))
    low, high = percentile_interval(times @ values / times.sum(axis=1))
    return Mean(float(values.mean()), low, high, len(values))


@lru_cache(maxsize=16)
def _draws(labels: tuple[int, ...], patients: tuple, /) -> np.ndarray:
    """The draws of patients, kept: the measures of a board are taken on few sets of films."""
    return resample_patients(np.array(labels), np.array(patients))
