"""Shortcut alarm: share of a map on the border and in the corners of the film, outside the lungs.

Side markers, letters, tubes and collimation lie there; the maps of a model that uses them show them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import FilmMean, mean_over_films
from pneumo_tf.evaluation.ratio import ratio

BORDER = 0.1
"""Width of the border as a share of the film's side."""

CORNER = 0.2
"""Side of each corner's square as a share of the film's side."""

BORDER_AREA = 1 - (1 - 2 * BORDER) ** 2
"""Share of the film that is border, 0.36; a uniform map has the same share there."""

CORNER_AREA = 4 * CORNER**2
"""Share of the film that is corner: 0.16."""


def border_share(maps: np.ndarray) -> np.ndarray:
    """Return the share of each map's sum in the outer 10 % of the film.

    Args:
        maps: (n, h, w) 0 or more, at any resolution; a cell that crosses the border counts in part.

    Returns:
        (n,) float64 in 0–1, nan for an empty map.
    """
    down, across = (1 - _coverage(size, BORDER, 1 - BORDER) for size in maps.shape[1:])
    return _share(maps, 1 - (1 - down[:, None]) * (1 - across[None, :]))


def corner_share(maps: np.ndarray) -> np.ndarray:
    """Return the share of each map's sum in the four corners, squares of 20 % of the side.

    Args:
        maps: (n, h, w) 0 or more, at any resolution.

    Returns:
        (n,) float64 in 0–1, nan for an empty map.
    """
    down, across = (1 - _coverage(size, CORNER, 1 - CORNER) for size in maps.shape[1:])
    return _share(maps, down[:, None] * across[None, :])


def shares_by_group(
    shares: np.ndarray, groups: Sequence[str], labels: np.ndarray, patients: np.ndarray
) -> Mapping[str, FilmMean]:
    """Average shares within groups of films.

    Args:
        shares: (n,) from `border_share` or `corner_share`.
        groups: (n,) class or outcome of each film, such as `"FP"`.
        labels: (n,) 0 normal, 1 pneumonia.
        patients: (n,) patient of each film.

    Returns:
        Mean by group, in alphabetical order.
    """
    named = np.asarray(groups)
    members = {name: named == name for name in sorted(set(groups))}
    return {
        name: mean_over_films(shares[chosen], labels[chosen], patients[chosen])
        for name, chosen in members.items()
    }


def largest_shares(shares: np.ndarray, ids: Sequence[str], count: int = 5) -> list[tuple[str, float]]:
    """Return ids and shares of the `count` films with the largest (n,) shares; nan are left out."""
    order = np.argsort(-np.nan_to_num(shares, nan=-1.0), kind="stable")[:count]
    return [(ids[at], float(shares[at])) for at in order if np.isfinite(shares[at])]


def _coverage(cells: int, start: float, stop: float) -> np.ndarray:
    """Return the (cells,) share of each cell of an axis from 0 to 1 that lies between start and stop."""
    edges = np.clip(np.linspace(0, 1, cells + 1), start, stop)
    return np.diff(edges) * cells


def _share(maps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    whole = maps.sum(axis=(1, 2), dtype=np.float64)
    part = (maps * weights).sum(axis=(1, 2), dtype=np.float64)
    return ratio(part, whole)
