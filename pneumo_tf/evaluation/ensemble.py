"""Several sets of predictions as one: folds put together film after film, models averaged film by film."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pneumo_tf.evaluation.comparison import align_runs
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions


def pool_folds(parts: Sequence[LabelledPredictions]) -> LabelledPredictions:
    """Puts sets of different films together, such as what each fold held out.

    Returns:
        Every film once, by id, so that the same films are the same set whatever the folds.

    Raises:
        ValueError: Where a film is in two parts.
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
    """Averages the scores of models on the same films.

    The mean is over scores because thresholds and temperatures speak of scores, and scaling all models by a
    temperature scales their mean; in odds it is the geometric mean.

    Returns:
        The films in the order of the first model, with one logit, that of pneumonia.

    Raises:
        ValueError: Where the films differ.
    """
    first, (scores,) = align_runs([models])
    score = scores.mean(axis=0)
    return replace(first, logits=score[:, None].astype(np.float32), score=score)
