"""Films that are there more than once: the same file, or the same picture in another file."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.data.films import Film

FARTHEST = 8
"""Bits of 256 by which the difference hashes of one picture may differ; no two different films of the
published set are within 12. Of 300 of them, compressed anew, shrunk or brightened, 98 to 100 % are found;
cropped by 2 of 224 pixels 36 %, and with equalised contrast none."""

LEAST_CORRELATION = 0.98
"""Chest films resemble each other: a hash alone would pair strangers, and so would correlation alone."""

BLOCK = 256
"""Films compared with all others at once: 12 MB of distances for the published set."""


@dataclass(frozen=True)
class Group:
    """Films of one picture.

    Args:
        films: Two or more, sorted by id.
        exact: Whether the files are the same, byte by byte.
    """

    films: tuple[Film, ...]
    exact: bool

    @property
    def crosses_splits(self) -> bool:
        """Whether films of the group are in train and in test."""
        return len({film.split for film in self.films}) > 1

    @property
    def crosses_classes(self) -> bool:
        """Whether the same picture has two labels."""
        return len({film.label for film in self.films}) > 1

    @property
    def crosses_patients(self) -> bool:
        """Whether the same picture is filed under two patients."""
        return len({film.patient for film in self.films}) > 1


def exact_groups(decoded: DecodedSet) -> list[Group]:
    """Finds files that are the same, byte by byte."""
    films_of = defaultdict(list)
    for film in decoded.films:
        films_of[film.digest].append(film)
    return [Group(tuple(films), exact=True) for films in films_of.values() if len(films) > 1]


def near_groups(decoded: DecodedSet) -> list[Group]:
    """Finds pictures that are the same in files that are not: resized, compressed anew, brightened.

    Each exact group stands for one picture here, so that what `exact_groups` found is not found again.
    """
    films = decoded.films.rows
    first = list({film.digest: index for index, film in reversed(list(enumerate(films)))}.values())
    first.sort()
    hashes, grid = difference_hashes(decoded.copies.steps[first]), decoded.copies.grid[first]
    pairs = near_pairs(hashes, grid)
    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(first), len(first)))
    _, component = connected_components(graph, directed=False)
    members = defaultdict(list)
    for index in np.unique(pairs):
        members[component[index]].append(films[first[index]])
    return [Group(tuple(group), exact=False) for group in members.values()]


def difference_hashes(steps: np.ndarray) -> np.ndarray:
    """The difference hash: whether the film grows brighter from each point to the next on its right.

    Args:
        steps: (n, rows, columns + 1) uint8.

    Returns:
        (n, rows × columns / 64) uint64.
    """
    bits = steps[:, :, 1:] > steps[:, :, :-1]
    return np.packbits(bits.reshape(len(bits), -1), axis=1).view(np.uint64)


def near_pairs(hashes: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Finds pairs of one picture.

    Args:
        hashes: (n, words) uint64 from `difference_hashes`.
        grid: (n, side, side) uint8, correlated where the hashes are near.

    Returns:
        (pairs, 2) int64, the lower index first.
    """
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(hashes), BLOCK):
        block, rest = hashes[start : start + BLOCK], hashes[start:]
        distance = np.zeros((len(block), len(rest)), np.uint16)
        for word in range(hashes.shape[1]):
            distance += np.bitwise_count(block[:, None, word] ^ rest[None, :, word])
        found.append(np.argwhere(np.triu(distance <= FARTHEST, 1)) + start)
    pairs = np.concatenate(found)
    return pairs[[correlation(grid[a], grid[b]) >= LEAST_CORRELATION for a, b in pairs]]


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two pictures, 0 where one of them is of one grey."""
    one, other = (picture.astype(np.float64) - picture.mean() for picture in (first, second))
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / scale) if scale else 0.0
