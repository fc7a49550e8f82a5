"""Weighted counts of predictions, from which metrics and their replicates are computed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class WeightedCounts:
    """Predictions under one or more sets of film weights, with sums that several metrics need.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        weights: (r, n) float64: how often each film counts in each of r replicates; column order is fastest.
        subtypes: (n,) str, or None if they are unknown.
        totals: Cache of sums that do not depend on the score; models under the same weights may share it.
    """

    labels: np.ndarray
    score: np.ndarray
    weights: np.ndarray
    subtypes: np.ndarray | None = None
    totals: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def sum(self, films: np.ndarray) -> np.ndarray:
        """Return the (r,) weighted sums of (n,) values of the films, or the (k, r) sums of (k, n) values."""
        return films.astype(np.float64) @ self.weights.T

    def total(self, kind: str) -> np.ndarray:
        """Return the (r,) weight of all `"films"`, or of a kind: `"normal"`, `"pneumonia"` or a subtype."""
        if kind not in self.totals:
            self.totals[kind] = self.sum(self._of(kind))
        return self.totals[kind]

    def predicted_positive(self, kind: str) -> np.ndarray:
        """Return the (r,) weight of the films of a kind, as in `total`, that are predicted positive."""
        return self._sums[kind]

    @property
    def log_losses(self) -> np.ndarray:
        """(r,) sum of −ln of the probability of the true class, in nats, from the score without clipping."""
        return self._sums["log loss"]

    @property
    def squared_errors(self) -> np.ndarray:
        """(r,) sum of squared differences of the probability of pneumonia and the label."""
        return self._sums["squared error"]

    @property
    def tp(self) -> np.ndarray:
        """(r,) weight of true positives."""
        return self.predicted_positive("pneumonia")

    @property
    def fp(self) -> np.ndarray:
        """(r,) weight of false positives."""
        return self.predicted_positive("normal")

    @cached_property
    def fn(self) -> np.ndarray:
        """(r,) weight of false negatives."""
        return self.total("pneumonia") - self.tp

    @cached_property
    def tn(self) -> np.ndarray:
        """(r,) weight of true negatives."""
        return self.total("normal") - self.fp

    def descending(self) -> Iterator[tuple[np.ndarray | None, np.ndarray | None]]:
        """Iterate over the (r,) weights of negatives and of positives at each distinct score, highest first.

        A class without a film at a score yields None; a single set of weights yields plain numbers, which are
        faster. A metric goes through the films one by one with all replicates at once, because one step fits
        into the processor's cache and cumulative sums of all films do not.
        """
        order = np.argsort(-self.score, kind="stable")
        starts = np.flatnonzero(np.diff(self.score[order], prepend=np.inf)).tolist()
        order, positive = order.tolist(), (self.labels == 1).tolist()
        weights = self.weights[0].tolist() if len(self.weights) == 1 else list(self.weights.T)
        for start, end in pairwise([*starts, len(order)]):
            if end == start + 1:
                film = order[start]
                yield (None, weights[film]) if positive[film] else (weights[film], None)
                continue
            classes = (
                [weights[film] for film in order[start:end] if positive[film] == label] for label in (0, 1)
            )
            yield tuple(np.sum(films, axis=0) if films else None for films in classes)

    @cached_property
    def _sums(self) -> dict[str, np.ndarray]:
        # One matrix product for all sums, so that the weights are read once.
        kinds = ("normal", "pneumonia", *(SUBTYPES if self.subtypes is not None else ()))
        columns = {kind: self._of(kind) & (self.score > 0) for kind in kinds}
        columns["log loss"] = np.logaddexp(0.0, np.where(self.labels == 1, -self.score, self.score))
        columns["squared error"] = (expit(self.score) - self.labels) ** 2
        return dict(zip(columns, self.sum(np.stack(list(columns.values()))), strict=True))

    def _of(self, kind: str) -> np.ndarray:
        if kind == "films":
            return np.ones(len(self.labels), bool)
        if kind in SUBTYPES:
            return (self.subtypes == kind) & (self.labels == 1)
        return self.labels == (kind == "pneumonia")


SUBTYPES = ("bacteria", "virus")
"""Subtypes of pneumonia with their own sensitivity."""
