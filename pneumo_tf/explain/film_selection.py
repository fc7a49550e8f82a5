"""Which films are explained: chosen by hash before anyone looks, but for the outcomes of each recipe."""

import hashlib
from collections.abc import Mapping

import numpy as np

from pneumo_tf.data.films import Film, Films

COMMON = {"normal": 3, "bacteria": 3, "virus": 2, "pneumonia": 3}
"""Films of each subtype in the set that every recipe explains."""

PLACES = {"most": "most confident", "median": "median", "least": "least confident"}
"""Which films of each outcome are explained, by the distance of their score from 0."""

MEASURED = {"normal": 20, "bacteria": 20, "virus": 20, "pneumonia": 40}
"""Films of each subtype on which maps are measured."""


def common_films(films: Films, ids: tuple[str, ...]) -> list[str]:
    """Gives the test films that every recipe explains.

    Args:
        films: The dataset.
        ids: Test films.
    """
    return _of_each_subtype(films, ids, COMMON)


def measured_films(films: Films, ids: tuple[str, ...]) -> list[str]:
    """Gives the test films on which the maps of every recipe are measured, at most 60 where kinds are known.

    Args:
        films: The dataset.
        ids: Test films.
    """
    return _of_each_subtype(films, ids, MEASURED)


def outcome_films(films: Films, ids: tuple[str, ...], score: np.ndarray) -> dict[str, str]:
    """Gives three true and false positives and negatives of one model at score 0: the surest, the middle one
    and the least sure.

    Args:
        films: The dataset.
        ids: Test films.
        score: (n,) their scores.

    Returns:
        For each film chosen its key in `PLACES`; an outcome of fewer than three films gives what it has.
    """
    rows = films.rows
    groups: dict[tuple[int, bool], list[tuple[float, str]]] = {}
    for film_id, value in zip(ids, score, strict=True):
        film = rows[films.position[film_id]]
        groups.setdefault((film.label, bool(value > 0)), []).append((-abs(float(value)), film_id))
    chosen: dict[str, str] = {}
    for _, group in sorted(groups.items()):
        order = [film_id for _, film_id in sorted(group)]
        # The surest last: where an outcome has one film or two, its place is the first that fits.
        for place, at in (("least", -1), ("median", len(order) // 2), ("most", 0)):
            chosen[order[at]] = place
    return chosen


def _of_each_subtype(films: Films, ids: tuple[str, ...], counts: Mapping[str, int]) -> list[str]:
    known = set(ids)
    chosen: list[str] = []
    for subtype, count in counts.items():
        chosen += _by_hash([film for film in films if film.subtype == subtype and film.id in known])[:count]
    return chosen


def _by_hash(films: list[Film]) -> list[str]:
    return sorted((film.id for film in films), key=lambda name: hashlib.sha256(name.encode()).digest())
