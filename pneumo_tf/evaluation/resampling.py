"""Resampling of patients with replacement, in blocks of replicates so that memory does not grow with films.

Films of one patient are not independent, so patients are resampled, not films.
"""

from collections.abc import Iterator
from copy import deepcopy

import numpy as np

REPLICATES = 2000
BLOCK = 12_000_000
"""Most film weights that are held at once, eight bytes each: 2,000 replicates of 6,000 films."""


class PatientResampling:
    """Replicates of a set of films that keep the number of patients of each class.

    Patients with films of both classes form a third stratum, so that no replicate loses a class.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) patient of each film.
        replicates: Number of replicates.
        seed: Random seed of the resampling.
    """

    def __init__(
        self, labels: np.ndarray, patients: np.ndarray, replicates: int = REPLICATES, seed: int = 0
    ) -> None:
        self.replicates, self.seed = replicates, seed
        _, self._person = np.unique(patients, return_inverse=True)
        positive = np.bincount(self._person, labels == 1) > 0
        negative = np.bincount(self._person, labels == 0) > 0
        self._patients = len(positive)
        strata = (negative & ~positive, positive & ~negative, positive & negative)
        self._strata = [np.flatnonzero(stratum) for stratum in strata if stratum.any()]

    def blocks(self, most: int = BLOCK) -> Iterator[np.ndarray]:
        """Yield (b, n) float64 blocks of replicates: how often each film counts.

        The replicates do not depend on the size of the blocks.

        Args:
            most: Most elements of a block, unless a single replicate has more.
        """
        generators = list(self._generators(most))
        for replicates in self._sizes(most):
            times = np.zeros((replicates, self._patients))
            for members, rng in zip(self._strata, generators, strict=True):
                times[:, members] = _count_chosen(rng, replicates, len(members))
            yield times[:, self._person]

    def _generators(self, most: int) -> Iterator[np.random.Generator]:
        """Yield a generator for each stratum, at the place in one stream at which its numbers begin."""
        rng = np.random.default_rng(self.seed)
        for number, members in enumerate(self._strata, start=1):
            yield deepcopy(rng)
            for replicates in self._sizes(most) if number < len(self._strata) else ():
                rng.integers(len(members), size=(replicates, len(members)))

    def _sizes(self, most: int) -> Iterator[int]:
        size = max(1, most // max(len(self._person), 1))
        for start in range(0, self.replicates, size):
            yield min(size, self.replicates - start)


def _count_chosen(rng: np.random.Generator, replicates: int, members: int) -> np.ndarray:
    """Return (replicates, members) counts of how often each member is chosen, `members` times in all."""
    chosen = rng.integers(members, size=(replicates, members))
    chosen += members * np.arange(replicates)[:, None]
    return np.bincount(chosen.ravel(), minlength=replicates * members).reshape(replicates, members)


def resample_patients(
    labels: np.ndarray, patients: np.ndarray, replicates: int = REPLICATES, seed: int = 0
) -> np.ndarray:
    """Return all replicates of `PatientResampling` at once, (replicates, n) float64.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) patient of each film.
        replicates: Number of replicates.
        seed: Random seed of the resampling.
    """
    resampling = PatientResampling(labels, patients, replicates, seed)
    return next(resampling.blocks(replicates * max(len(labels), 1)))
