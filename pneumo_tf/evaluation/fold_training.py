"""Chance of training in measures of films out of fold, each of which the model of its fold has scored."""

from collections.abc import Iterable, Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import PatientBootstrap, Training
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
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
        variances = np.array([one[name][1:].var() for one in measured])
        # Folds share no patient, so their mean has the variance of independent values.
        variance = training_variance(values, variances, variances.mean() / len(folds))
        found[name] = Training(variance, len(folds) - 1)
    return found


def _mean_over_seeds(
    seeds: Sequence[LabelledPredictions], bootstrap: PatientBootstrap, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Return the (1 + replicates,) values of each metric of a fold."""
    measured = [bootstrap.measure(run, names) for run in seeds]
    return {name: np.mean([one[name] for one in measured], axis=0) for name in names}
