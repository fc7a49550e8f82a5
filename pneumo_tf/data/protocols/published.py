"""Protocols that reproduce published splits with their flaws, to measure these. None of them ranks.

Under each of them, some of the films that a run reports on are also used while it trains, or are films of
patients of its training films.
"""

from pathlib import PurePosixPath

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.hash_order import hash_order
from pneumo_tf.data.protocols.split import Split, sorted_ids

FIRST_BY_NAME = 0.1
"""Fraction of each class that is validation film: the first by file name, as Keras' `validation_split`."""

POOLED_TRAIN, POOLED_VALIDATION = 0.70, 0.15


def split_alphabetical(films: Films, fold: int | None = None) -> Split:
    """Train on 90 % of the training folder, and report on the first tenth of each class by file name.

    The first tenth of the normal films is one series (`IM-`); many of these patients are in training too.
    """
    first, rest = _alphabetical(films)
    return Split(train=sorted_ids(rest), validation=sorted_ids(first), test=sorted_ids(first))


def split_640(films: Films, fold: int | None = None) -> Split:
    """Train on the same 90 %, and report on the test folder and on the films set apart (Kaggle's `val`)."""
    first, rest = _alphabetical(films)
    test = [film for film in films if film.split == "test" or film.id in films.set_apart]
    return Split(train=sorted_ids(rest), validation=sorted_ids(first), test=sorted_ids(test))


def split_pooled(films: Films, fold: int | None = None) -> Split:
    """Split all films at random, 70/15/15, image by image, so that a patient can be in several sets."""
    order = sorted(films, key=lambda film: hash_order(film.id, "pooled"))
    train, validation = round(POOLED_TRAIN * len(order)), round(POOLED_VALIDATION * len(order))
    return Split(
        train=sorted_ids(order[:train]),
        validation=sorted_ids(order[train : train + validation]),
        test=sorted_ids(order[train + validation :]),
    )


def split_selected_on_test(films: Films, fold: int | None = None) -> Split:
    """Train on the training folder; choose the epoch on the test films, and report on the same films."""
    train = _training_folder(films)
    test = sorted_ids(film for film in films if film.split == "test")
    return Split(train=sorted_ids(train), validation=test, test=test)


def _training_folder(films: Films) -> list[Film]:
    """Return the training films, without those that the source sets apart."""
    return [film for film in films if film.split == "train" and film.id not in films.set_apart]


def _alphabetical(films: Films) -> tuple[list[Film], list[Film]]:
    first, rest = [], []
    for label in (0, 1):
        folder = [film for film in _training_folder(films) if film.label == label]
        folder.sort(key=lambda film: PurePosixPath(film.id).name)
        count = int(FIRST_BY_NAME * len(folder))
        first += folder[:count]
        rest += folder[count:]
    return first, rest
