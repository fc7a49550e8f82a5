"""Which films are explained: chosen by hash before anyone looks, but for the errors of each recipe."""

import hashlib

import numpy as np

from pneumo_tf.data.films import Film, Films

COMMON = {"normal": 3, "bacteria": 3, "virus": 2, "pneumonia": 3}
"""Films of each subtype in the set that every recipe explains."""

PER_OUTCOME = 3


def common_films(films: Films, ids: tuple[str, ...]) -> list[str]:
    """Gives the test films that every recipe explains.

    Args:
        films: The dataset.
        ids: Test films.
    """
    chosen: list[str] = []
    for subtype, count in COMMON.items():
        chosen += _by_hash([film for film in films if film.subtype == subtype and film.id in set(ids)])[
            :count
        ]
    return chosen


def outcome_films(films: Films, ids: tuple[str, ...], score: np.ndarray) -> list[str]:
    """Gives a few true and false positives and negatives of one model at score 0.

    Args:
        films: The dataset.
        ids: Test films.
        score: (n,) their scores.
    """
    rows = films.rows
    groups: dict[tuple[int, bool], list[Film]] = {}
    for film_id, value in zip(ids, score, strict=True):
        film = rows[films.position[film_id]]
        groups.setdefault((film.label, bool(value > 0)), []).append(film)
    return [film_id for _, group in sorted(groups.items()) for film_id in _by_hash(group)[:PER_OUTCOME]]


def _by_hash(films: list[Film]) -> list[str]:
    return sorted((film.id for film in films), key=lambda name: hashlib.sha256(name.encode()).digest())
