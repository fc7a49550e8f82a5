"""Weighted counts of predictions, from which metrics and their replicates are computed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import expit

PART = 1 << 17
"""Weights that a metric of ranks works on at once: as many as fit into the processor's cache."""


@dataclass(frozen=True)
class ScoredFilms:
    """Scores of films, with what does not depend on how often a film counts.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        subtypes: (n,) str, or None if they are unknown.
    """

    labels: np.ndarray
    score: np.ndarray
    subtypes: np.ndarray | None = None

    @cached_property
    def positives(self) -> np.ndarray:
        """Places of the positives, highest score first."""
        return self._descending(1)

    @cached_property
    def negatives(self) -> np.ndarray:
        """Places of the negatives, highest score first."""
        return self._descending(0)

    @cached_property
    def positives_above(self) -> np.ndarray:
        """For each of `negatives`, the number of positives with a higher score."""
        return np.searchsorted(-self.score[self.positives], -self.score[self.negatives], "left")

    @cached_property
    def positives_up_to(self) -> np.ndarray:
        """For each of `negatives`, the number of positives with a score as high or higher."""
        return np.searchsorted(-self.score[self.positives], -self.score[self.negatives], "right")

    @cached_property
    def found(self) -> np.ndarray:
        """For each of `positives`, the number of positives with a score as high or higher."""
        return np.searchsorted(-self.score[self.positives], -self.score[self.positives], "right")

    @cached_property
    def false_alarms(self) -> np.ndarray:
        """For each of `positives`, the number of negatives with a score as high or higher."""
        return np.searchsorted(-self.score[self.negatives], -self.score[self.positives], "right")

    def of(self, kind: str) -> np.ndarray:
        """Return whether each film is of a kind: `"films"`, `"normal"`, `"pneumonia"` or a subtype."""
        if kind == "films":
            return np.ones(len(self.labels), bool)
        if kind in SUBTYPES:
            return (self.subtypes == kind) & (self.labels == 1)
        return self.labels == (kind == "pneumonia")

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Values of each film whose weighted sums metrics need."""
        kinds = ("normal", "pneumonia", *(SUBTYPES if self.subtypes is not None else ()))
        columns = {kind: (self.of(kind) & (self.score > 0)).astype(np.float64) for kind in kinds}
        columns["log loss"] = np.logaddexp(0.0, np.where(self.labels == 1, -self.score, self.score))
        columns["squared error"] = (expit(self.score) - self.labels) ** 2
        return columns

    def _descending(self, label: int) -> np.ndarray:
        places = np.flatnonzero(self.labels == label)
        return places[np.argsort(-self.score[places], kind="stable")]


@dataclass(frozen=True)
class WeightedCounts:
    """Predictions under one or more sets of film weights, with sums that several metrics need.

    Args:
        films: The predictions.
        weights: (r, n) float64: how often each film counts in each of r replicates.
        totals: Cache of sums that do not depend on the score; models under the same weights may share it.
    """

    films: ScoredFilms
    weights: np.ndarray
    totals: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def subtypes_known(self) -> bool:
        """Whether the films have subtypes."""
        return self.films.subtypes is not None

    def total(self, kind: str) -> np.ndarray:
        """Return the (r,) weight of all `"films"`, or of a kind: `"normal"`, `"pneumonia"` or a subtype."""
        if kind not in self.totals:
            self.totals[kind] = self.weights @ self.films.of(kind).astype(np.float64)
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

    def by_parts(self, compute: Callable[[ScoredFilms, np.ndarray], np.ndarray]) -> np.ndarray:
        """Compute (r,) values from films and their weights, a few replicates at a time.

        Args:
            compute: Function from the films and (p, n) weights to (p,) values.
        """
        step = max(1, PART // max(len(self.films.labels), 1))
        parts = (self.weights[start : start + step] for start in range(0, len(self.weights), step))
        return np.concatenate([compute(self.films, part) for part in parts])

    @cached_property
    def _sums(self) -> dict[str, np.ndarray]:
        # One matrix product for all sums, so that the weights are read once.
        columns = self.films.columns
        return dict(zip(columns, np.stack(list(columns.values())) @ self.weights.T, strict=True))


def cumulative_weights(weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (r, k + 1) weights of the first 0 to k of k places."""
    summed = np.zeros((len(weights), len(places) + 1))
    np.cumsum(weights[:, places], axis=1, out=summed[:, 1:])
    return summed


SUBTYPES = ("bacteria", "virus")
"""Subtypes of pneumonia with their own sensitivity."""
