"""Scored films under weights: the sums that metrics are made of, for one value or thousands of replicates."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Weighted:
    """Scored films under one or more sets of weights, with the sums that metrics share.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        weights: (r, n) float64: how often each film counts in each of r replicates.
        subtypes: (n,) str, or None where they are unknown.
    """

    labels: np.ndarray
    score: np.ndarray
    weights: np.ndarray
    subtypes: np.ndarray | None = None

    def sum(self, films: np.ndarray) -> np.ndarray:
        """(r,) weighted sum of a value, or weight of a selection, of each film (n,)."""
        return self.weights @ films.astype(np.float64)

    def mean(self, films: np.ndarray) -> np.ndarray:
        """(r,) weighted mean of a value of each film (n,)."""
        return ratio(self.sum(films), self.weights.sum(axis=1))

    @cached_property
    def tp(self) -> np.ndarray:
        """(r,) weight of pneumonias called pneumonia."""
        return self.sum((self.labels == 1) & (self.score > 0))

    @cached_property
    def fp(self) -> np.ndarray:
        """(r,) weight of normals called pneumonia."""
        return self.sum((self.labels == 0) & (self.score > 0))

    @cached_property
    def fn(self) -> np.ndarray:
        """(r,) weight of pneumonias called normal."""
        return self.sum((self.labels == 1) & ~(self.score > 0))

    @cached_property
    def tn(self) -> np.ndarray:
        """(r,) weight of normals called normal."""
        return self.sum((self.labels == 0) & ~(self.score > 0))

    @cached_property
    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights of normals and of pneumonias at each distinct score, (r, k) each, highest score first."""
        order = np.argsort(-self.score, kind="stable")
        starts = np.flatnonzero(np.diff(self.score[order], prepend=np.inf))
        weights, positive = self.weights[:, order], self.labels[order] == 1
        pneumonias = np.add.reduceat(weights * positive, starts, axis=1)
        return np.add.reduceat(weights * ~positive, starts, axis=1), pneumonias


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divides, with nan and no warning where the divisor is 0."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)
