"""Classes that a model distinguishes: one for each logit."""

from collections.abc import Iterable

import numpy as np

from pneumo_tf.data.films import CLASSES, Film, Films
from pneumo_tf.errors import UserError

TARGET_CLASSES: dict[int, tuple[str, ...]] = {
    1: CLASSES[1:],
    2: CLASSES,
    3: ("normal", "bacteria", "virus"),
}
"""Names of the classes by the number of logits; those of three logits are subtypes."""


def without_target(films: Iterable[Film], logits: int) -> list[str]:
    """Return the ids of films whose class is none of those that a model distinguishes.

    Args:
        films: The films.
        logits: Number of logits of the model.
    """
    return [film.id for film in films if logits == 3 and film.subtype not in TARGET_CLASSES[3]]


def empty_targets(films: Iterable[Film], logits: int) -> list[str]:
    """Return the classes that a model distinguishes and no film belongs to; only three logits are checked.

    Args:
        films: The films.
        logits: Number of logits of the model.
    """
    present = {film.subtype for film in films}
    return [name for name in TARGET_CLASSES[logits] if logits == 3 and name not in present]


def target_labels(films: Films, logits: int) -> np.ndarray:
    """Return the class of each film that a model is trained on.

    Args:
        films: The films, n of them.
        logits: Number of logits of the model.

    Returns:
        (n,) int8: 0 normal, 1 pneumonia; with three logits 0 normal, 1 bacteria, 2 virus.

    Raises:
        UserError: If a film is of another class. The message names the first such film.
    """
    if logits < 3:
        return films.labels
    if missing := without_target(films, logits):
        raise UserError(f"{missing[0]!r} has none of the classes {', '.join(TARGET_CLASSES[logits])}")
    return np.array([TARGET_CLASSES[logits].index(film.subtype) for film in films], np.int8)
