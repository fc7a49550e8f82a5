"""Pooling of folds, and ensembles: the mean score of several models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pneumo_tf.evaluation.comparison import align_runs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions


def pool_folds(parts: Sequence[LabelledPredictions]) -> LabelledPredictions:
    """Pool predictions of different films, such as the held-out films of each fold.

    Args:
        parts: Predictions without a film in common.

    Returns:
        Predictions of all films, sorted by film id, whatever the order of the parts.

    Raises:
        ValueError: If a film is in two parts.
    """
    ids = np.concatenate([part.ids for part in parts])
    order = np.argsort(ids, kind="stable")
    if len(np.unique(ids)) < len(ids):
        raise ValueError("a film is in two parts")

    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    rest = (column(name) for name in ("labels", "logits", "score", "patients", "subtypes"))
    return LabelledPredictions(tuple(ids[order].tolist()), *rest)


def average_scores(models: Sequence[LabelledPredictions]) -> LabelledPredictions:
    """Return the mean score of several models on the same films: the geometric mean of their odds.

    The mean is of scores, not probabilities, because thresholds and temperatures apply to scores.

    Args:
        models: Predictions of each model.

    Returns:
        Predictions in the film order of the first model, with one logit, that of pneumonia.

    Raises:
        ValueError: If the films differ.
    """
    first, (scores,) = align_runs([models])
    score = scores.mean(axis=0)
    return replace(first, logits=score[:, None].astype(np.float32), score=score)
