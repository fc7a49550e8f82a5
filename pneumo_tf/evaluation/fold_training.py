"""Chance of training in measures of films out of fold, each of which the model of its fold has scored."""

from collections.abc import Iterable, Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import PatientBootstrap, Training, mostly_undefined
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.evaluation.training_variance import training_variance


def training_of_folds(
    folds: Sequence[Sequence[LabelledPredictions]], bootstrap: PatientBootstrap, names: Iterable[str]
) -> dict[str, Training]:
    """Return the chance of training by metric: what folds differ by, beyond chance in their own patients.

    Args:
        folds: Predictions of the held-out films of each fold, by one model per seed.
        bootstrap: Bootstrap over patients of the board.
        names: Keys of `METRICS`.
    """
    names = tuple(names)
    measured = [_mean_over_seeds(seeds, bootstrap, names) for seeds in folds]
    found = {}
    for name in names:
        values = np.array([one[name][0] for one in measured])
        variances = np.array(
            [
                _variance(one[name][1:], bootstrap.count_patients(seeds[0], METRICS[name].counted))
                for one, seeds in zip(measured, folds, strict=True)
            ]
        )
        # Folds share no patient, so their mean has the variance of independent values.
        variance = training_variance(values, variances, variances.mean() / len(folds))
        found[name] = Training(variance, len(folds) - 1)
    return found


def _variance(replicates: np.ndarray, patients: int) -> float:
    """Return the variance over patients of a metric; nan if it is undefined in too many replicates."""
    defined = np.isfinite(replicates)
    if patients < 2 or mostly_undefined(defined):
        return np.nan
    # Replicates of m patients vary by (m − 1) / m of the variance of a mean over patients.
    return float(replicates[defined].var()) * patients / (patients - 1)


def _mean_over_seeds(
    seeds: Sequence[LabelledPredictions], bootstrap: PatientBootstrap, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Return the (1 + replicates,) values of each metric of a fold."""
    measured = [bootstrap.measure(run, names) for run in seeds]
    return {name: np.mean([one[name] for one in measured], axis=0) for name in names}
