"""Selection of films to explain: some by hash, the same for every recipe, and some by outcome."""

import hashlib
from collections.abc import Collection, Mapping
from itertools import islice

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.subtypes import named_subtype

COMMON = {"normal": 3, "bacteria": 3, "virus": 2, "pneumonia": 3}
"""Number of films per subtype that every recipe explains; other subtypes count as their class."""

PLACES = {"most": "most confident", "median": "median", "least": "least confident"}
"""Explained films of an outcome, by the rank of their confidence, with their names in figures."""

MOST_MARKED = 200
"""Limit on the marked films that are preferred, and on the external films whose maps are measured."""

MEASURED = {"normal": 20, "bacteria": 20, "virus": 20, "pneumonia": 40}
"""Number of films per subtype on which maps are measured, counted as in `COMMON`."""


def common_films(films: Films, ids: tuple[str, ...]) -> list[str]:
    """Return the ids of the test films that every recipe explains.

    Args:
        films: Film table of the dataset.
        ids: Ids of the test films.
    """
    return _of_each_subtype(films, ids, COMMON)


def measured_films(films: Films, ids: tuple[str, ...], first: Collection[str] = ()) -> list[str]:
    """Return the ids of the test films on which every recipe measures its maps.

    Args:
        films: Film table of the dataset.
        ids: Ids of the test films.
        first: Ids of films to prefer, those from `marked_films`.
    """
    return _of_each_subtype(films, ids, MEASURED, first)


def marked_films(dataset: Dataset, ids: Collection[str]) -> list[str]:
    """Return the ids of at most `MOST_MARKED` films of pneumonia with a mark, chosen by hash.

    Args:
        dataset: The films.
        ids: Ids of the films to choose from.
    """
    if dataset.masks("masks") is None:
        return []
    known = set(ids)
    positive = _by_hash([film for film in dataset.films if film.label == 1 and film.id in known])
    return list(islice(filter(dataset.is_marked, positive), MOST_MARKED))


def outcome_films(films: Films, ids: tuple[str, ...], score: np.ndarray) -> dict[str, str]:
    """Choose three films of each outcome (TP, FP, FN, TN): most, median and least confident.

    Args:
        films: Film table of the dataset.
        ids: Ids of the test films.
        score: (n,) score of each test film.

    Returns:
        Key in `PLACES` by film id; an outcome with fewer than three films contributes all of them.
    """
    rows = films.rows
    groups: dict[tuple[int, bool], list[tuple[float, str]]] = {}
    for film_id, value in zip(ids, score, strict=True):
        film = rows[films.position[film_id]]
        groups.setdefault((film.label, bool(value > 0)), []).append((-abs(float(value)), film_id))
    chosen: dict[str, str] = {}
    for _, group in sorted(groups.items()):
        order = [film_id for _, film_id in sorted(group)]
        # The most confident last: if an outcome has one film or two, it overwrites the other places.
        for place, at in (("least", -1), ("median", len(order) // 2), ("most", 0)):
            chosen[order[at]] = place
    return chosen


def _of_each_subtype(
    films: Films, ids: tuple[str, ...], counts: Mapping[str, int], first: Collection[str] = ()
) -> list[str]:
    known, groups = set(ids), {subtype: [] for subtype in counts}
    for film in films:
        if film.id in known:
            groups[named_subtype(film.label, film.subtype)].append(film)
    preferred = set(first)
    chosen = []
    for subtype, count in counts.items():
        chosen += sorted(_by_hash(groups[subtype]), key=lambda film_id: film_id not in preferred)[:count]
    return chosen


def _by_hash(films: list[Film]) -> list[str]:
    return sorted((film.id for film in films), key=lambda name: hashlib.sha256(name.encode()).digest())
