"""Predictions joined with the film table: the input of every metric, table and figure."""

from collections import Counter
from dataclasses import dataclass
from itertools import compress

import numpy as np
from scipy.special import expit

from pneumo_tf.data.films import Films
from pneumo_tf.errors import UserError
from pneumo_tf.predictions import Predictions


@dataclass(frozen=True)
class LabelledPredictions:
    """Outputs of one model on one set, with the labels.

    Args:
        ids: Film ids, n of them.
        labels: (n,) int8: 0 normal, 1 pneumonia.
        logits: (n, classes) float32 output of the model.
        score: (n,) float64: logit of pneumonia minus logit of normal.
        patients: (n,) str: patient of each film.
        subtypes: (n,) str: `"normal"`, `"bacteria"`, `"virus"` or `"pneumonia"`.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    logits: np.ndarray
    score: np.ndarray
    patients: np.ndarray
    subtypes: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, keep: np.ndarray) -> "LabelledPredictions":
        """Return the films for which (n,) bool `keep` holds, in the same order."""
        ids = tuple(compress(self.ids, keep))
        columns = (self.labels, self.logits, self.score, self.patients, self.subtypes)
        return LabelledPredictions(ids, *(column[keep] for column in columns))

    @property
    def probability(self) -> np.ndarray:
        """(n,) float64: probability of pneumonia, the sigmoid of the score, not calibrated."""
        return expit(self.score)

    @property
    def predicted(self) -> np.ndarray:
        """(n,) bool: True if predicted positive, at a probability above 0.5."""
        return self.score > 0


def join_labels(
    predictions: Predictions, films: Films, template: LabelledPredictions | None = None
) -> LabelledPredictions:
    """Join predictions with the film table.

    Args:
        predictions: Outputs of one run on one set.
        films: Film table of the dataset.
        template: Earlier result. If it has the same films in the same order, its columns are shared, which
            saves memory on boards of thousands of runs.

    Raises:
        UserError: If a film is not in the table or was predicted twice, or if a score is not a number. The
            message names the first such film.
    """
    finite = np.isfinite(predictions.logits).all(axis=1)
    if not finite.all():
        film = predictions.ids[int(np.argmin(finite))]
        raise UserError(f"the score of {film!r} is not a number")
    if template is not None and template.ids == predictions.ids:
        known = (template.ids, template.labels, template.patients, template.subtypes)
    else:
        known = _known(predictions.ids, films)
    ids, labels, patients, subtypes = known
    return LabelledPredictions(ids, labels, predictions.logits, predictions.score, patients, subtypes)


def check_complete(ids: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Check that a set has exactly the expected films.

    Args:
        ids: Film ids of the set.
        expected: Film ids that it must have, in any order.

    Raises:
        UserError: If a film is missing or does not belong to the set. The message names the first.
    """
    if ids == expected:
        return
    missing, extra = set(expected) - set(ids), set(ids) - set(expected)
    if missing:
        raise UserError(f"{len(missing)} of {len(expected)} films are missing, such as {min(missing)!r}")
    if extra:
        raise UserError(f"{len(extra)} films do not belong to the set, such as {min(extra)!r}")


def _known(ids: tuple[str, ...], films: Films) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    unknown_films = [film_id for film_id in ids if film_id not in films.position]
    if unknown_films:
        raise UserError(
            f"{len(unknown_films)} predicted films are not in the film table, such as {unknown_films[0]!r}; "
            "the predictions belong to another dataset"
        )
    if len(set(ids)) != len(ids):
        twice = next(film_id for film_id, count in Counter(ids).items() if count > 1)
        raise UserError(f"{twice!r} is predicted twice")
    rows = [films.rows[index] for index in films.indices(ids)]
    return (
        tuple(row.id for row in rows),
        np.array([row.label for row in rows], np.int8),
        np.array([row.patient for row in rows], str),
        np.array([row.subtype for row in rows], str),
    )
