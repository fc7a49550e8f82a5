"""The films of a training, as arrays."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class TrainingFilms:
    """What a run may look at while it trains.

    Args:
        pixels: (n, side, side) uint8 of the whole dataset.
        sources: The same films at the side that augmentation starts from.
        labels: (n,) of the whole dataset.
        train: Indices of the training films.
        validation: Indices of the validation films.
    """

    pixels: np.ndarray
    sources: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray

    @cached_property
    def content(self) -> str:
        """Hash of all of `pixels`."""
        return _digest(self.pixels)

    @cached_property
    def content_of_sources(self) -> str:
        """Hash of all of `sources`."""
        return _digest(self.sources)


def _digest(pixels: np.ndarray) -> str:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    # Film by film: a map larger than memory is read through once.
    for film in pixels:
        digest.update(np.ascontiguousarray(film))
    return digest.hexdigest()
