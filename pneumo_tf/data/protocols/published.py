"""Protocols that reproduce published splits, flaws included, to measure the flaws. None of them ranks.

In each of them films that a run reports on are also films that it may use while it trains, or films of
patients that it trains on.
"""

from pathlib import PurePosixPath

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.hash_order import hash_order
from pneumo_tf.data.protocols.split import Split, sorted_ids

HEAD = 0.1
"""Keras' `validation_split`: the first tenth of each class, in the order of the file names."""

POOLED_TRAIN, POOLED_VALIDATION = 0.70, 0.15


def split_alphabetical(films: Films, fold: int | None = None) -> Split:
    """Train on 90 % of the training folder, and report on the first tenth of each class by file name.

    The first tenth of the normal films is one series (`IM-`); many of these patients are in training too.
    """
    head, rest = _alphabetical(films)
    return Split(train=sorted_ids(rest), validation=sorted_ids(head), test=sorted_ids(head))


def split_640(films: Films, fold: int | None = None) -> Split:
    """Train on the same 90 %, and report on the test folder with the films set apart (Kaggle's `val`)."""
    head, rest = _alphabetical(films)
    test = [film for film in films if film.split == "test" or film.id in films.set_apart]
    return Split(train=sorted_ids(rest), validation=sorted_ids(head), test=sorted_ids(test))


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
    """Train on the training folder; choose the epoch on the test films, and report on them."""
    train = _training_folder(films)
    test = sorted_ids(film for film in films if film.split == "test")
    return Split(train=sorted_ids(train), validation=test, test=test)


def _training_folder(films: Films) -> list[Film]:
    """Return the training films without those that the source sets apart."""
    return [film for film in films if film.split == "train" and film.id not in films.set_apart]


def _alphabetical(films: Films) -> tuple[list[Film], list[Film]]:
    head, rest = [], []
    for label in (0, 1):
        folder = [film for film in _training_folder(films) if film.label == label]
        folder.sort(key=lambda film: PurePosixPath(film.id).name)
        count = int(HEAD * len(folder))
        head += folder[:count]
        rest += folder[count:]
    return head, rest
