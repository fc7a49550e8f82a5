"""Predictions under weights: the sums that metrics are made of, for one value or thousands of replicates."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class WeightedCounts:
    """Predictions under one or more sets of film weights, with the sums that metrics share.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        weights: (r, n) float64: how often each film counts in each of r replicates. Fast in column order,
            where the weights of a film lie together.
        subtypes: (n,) str, or None where they are unknown.
        totals: Sums that the films alone decide, filled as they are asked for; one dictionary may serve all
            models that are weighted alike.
    """

    labels: np.ndarray
    score: np.ndarray
    weights: np.ndarray
    subtypes: np.ndarray | None = None
    totals: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def sum(self, films: np.ndarray) -> np.ndarray:
        """(r,) weighted sum of a value, or weight of a selection, of each film (n,); (k, r) of (k, n)."""
        return films.astype(np.float64) @ self.weights.T

    def total(self, kind: str) -> np.ndarray:
        """(r,) weight of all `"films"`, of the `"normal"` ones, of `"pneumonia"`, or of one of its kinds."""
        if kind not in self.totals:
            self.totals[kind] = self.sum(self._of(kind))
        return self.totals[kind]

    def called(self, kind: str) -> np.ndarray:
        """(r,) weight of the films of a kind that are called pneumonia."""
        return self._sums[kind]

    @property
    def log_losses(self) -> np.ndarray:
        """(r,) sum of −ln of the probability given to the true class, from the score without clipping."""
        return self._sums["log loss"]

    @property
    def squared_errors(self) -> np.ndarray:
        """(r,) sum of squared distances of the probability of pneumonia from the label."""
        return self._sums["squared error"]

    @property
    def tp(self) -> np.ndarray:
        """(r,) weight of pneumonias called pneumonia."""
        return self.called("pneumonia")

    @property
    def fp(self) -> np.ndarray:
        """(r,) weight of normals called pneumonia."""
        return self.called("normal")

    @cached_property
    def fn(self) -> np.ndarray:
        """(r,) weight of pneumonias called normal."""
        return self.total("pneumonia") - self.tp

    @cached_property
    def tn(self) -> np.ndarray:
        """(r,) weight of normals called normal."""
        return self.total("normal") - self.fp

    def descending(self) -> Iterator[tuple[np.ndarray | None, np.ndarray | None]]:
        """Gives the (r,) weights of normals and of pneumonias at each distinct score, highest first.

        None stands where the score has no film of the class, and a plain number for a single set of weights,
        which is quicker. Metrics step through the films and take all
        replicates at once: a step stays in the cache, where cumulated tables of all films would not.
        """
        order = np.argsort(-self.score, kind="stable")
        starts = np.flatnonzero(np.diff(self.score[order], prepend=np.inf)).tolist()
        order, sick = order.tolist(), (self.labels == 1).tolist()
        weights = self.weights[0].tolist() if len(self.weights) == 1 else list(self.weights.T)
        for start, end in pairwise([*starts, len(order)]):
            if end == start + 1:
                film = order[start]
                yield (None, weights[film]) if sick[film] else (weights[film], None)
                continue
            classes = ([weights[film] for film in order[start:end] if sick[film] == one] for one in (0, 1))
            yield tuple(np.sum(films, axis=0) if films else None for films in classes)

    @cached_property
    def _sums(self) -> dict[str, np.ndarray]:
        # One product for all that a model decides reads the weights once.
        kinds = ("normal", "pneumonia", *(DETAILED if self.subtypes is not None else ()))
        columns = {kind: self._of(kind) & (self.score > 0) for kind in kinds}
        columns["log loss"] = np.logaddexp(0.0, np.where(self.labels == 1, -self.score, self.score))
        columns["squared error"] = (np.exp(-np.logaddexp(0.0, -self.score)) - self.labels) ** 2
        return dict(zip(columns, self.sum(np.stack(list(columns.values()))), strict=True))

    def _of(self, kind: str) -> np.ndarray:
        if kind == "films":
            return np.ones(len(self.labels), bool)
        if kind in DETAILED:
            return self.subtypes == kind
        return self.labels == (kind == "pneumonia")


DETAILED = ("bacteria", "virus")
"""Kinds of pneumonia that metrics tell apart."""


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divides, with nan and no warning where the divisor is 0."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)
