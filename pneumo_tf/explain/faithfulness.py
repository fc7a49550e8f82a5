"""Does a map mark what the score rests on? Films are changed where a map says so, and scored again.

The model is a function of films here, so the arithmetic needs no TensorFlow. Curves are of the probability of
pneumonia and say something of films that are called pneumonia; of others there is little to take away.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

Score = Callable[[np.ndarray], np.ndarray]
"""Films (n, side, side) uint8 → (n,) scores."""

Replace = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A film (side, side) uint8 and the pixels to replace, bool → the changed film, uint8."""

FRACTIONS = tuple(np.linspace(0, 1, 11))
ROAD_FRACTIONS = (0.1, 0.2, 0.4, 0.6, 0.8)
BLUR = 1 / 12
"""Standard deviation of the blur that takes detail away, as a share of the film's side."""

NOISE = 2.5
"""Standard deviation of what is added to imputed pixels, in grey levels: 1 % of the range, as in ROAD."""


def blurred(film: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Replaces pixels by the film's own blur: detail goes, brightness stays."""
    return np.where(removed, cv2.GaussianBlur(film, (0, 0), BLUR * film.shape[0]), film)


def noise_imputed(film: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Replaces pixels by a weighted mean of their eight neighbours, known or imputed, and a little noise.

    Noisy linear imputation of ROAD (Rong et al. 2022, arXiv:2202.00449): unlike a flat patch it does not tell
    the model by its outline what was there. The noise is the same at every call.
    """
    if not removed.any() or removed.all():
        return np.where(removed, np.uint8(film.mean()), film)
    number = np.full(removed.shape, -1)
    number[removed] = np.arange(removed.sum())
    unknown = int(removed.sum())
    matrix_rows, matrix_columns, weights = [np.arange(unknown)], [np.arange(unknown)], []
    known, total = np.zeros(unknown), np.zeros(unknown)
    padded = np.pad(number, 1, constant_values=-2)
    levels = np.pad(film.astype(float), 1)
    for down, across in [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]:
        weight = 1 / 6 if 0 in (down, across) else 1 / 12
        window = np.s_[1 + down : 1 + down + film.shape[0], 1 + across : 1 + across + film.shape[1]]
        neighbour = padded[window][removed]
        total += weight * (neighbour > -2)
        known += weight * (neighbour == -1) * levels[window][removed]
        at = np.flatnonzero(neighbour >= 0)
        matrix_rows.append(at)
        matrix_columns.append(neighbour[at])
        weights.append(np.full(len(at), -weight))
    places = (np.concatenate(matrix_rows), np.concatenate(matrix_columns))
    matrix = coo_matrix((np.concatenate([total, *weights]), places), (unknown, unknown)).tocsc()
    imputed = spsolve(matrix, known) + np.random.default_rng(0).normal(0, NOISE, unknown)
    changed = film.copy()
    changed[removed] = np.clip(np.rint(imputed), 0, 255)
    return changed


def removal_curve(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    *,
    replace: Replace = blurred,
    fractions: Sequence[float] = FRACTIONS,
    keep: bool = False,
    least_first: bool = False,
) -> np.ndarray:
    """Probability of pneumonia while more and more of each film is replaced.

    Args:
        score: The model.
        films: (n, side, side) uint8.
        maps: (n, side, side), what to replace first; equal values go in a fixed random order.
        replace: What replaces pixels.
        fractions: Shares of the film to replace, ascending.
        keep: Keep these shares instead and replace all else.
        least_first: Begin with the smallest values of the map.

    Returns:
        (n, len(fractions)) float64.
    """
    ranks = np.array([_ranks(-map_ if least_first else map_) for map_ in maps])
    curve = np.empty((len(films), len(fractions)))
    for step, fraction in enumerate(fractions):
        chosen = ranks < round(fraction * films[0].size) if len(films) else ranks
        changed = [replace(film, here != keep) for film, here in zip(films, chosen, strict=True)]
        curve[:, step] = _probability(score(np.array(changed, np.uint8).reshape(films.shape)))
    return curve


def area(curve: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """(n,) mean height of curves (n, k) over the fractions, by the trapezoidal rule."""
    return np.trapezoid(curve, fractions, axis=1) / (fractions[-1] - fractions[0])


def deletion(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    replace: Replace = blurred,
    fractions: Sequence[float] = FRACTIONS,
) -> np.ndarray:
    """Area under the probability as what the map marks goes first (Petsiuk et al. 2018, arXiv:1806.07421).

    Arguments as in `removal_curve`; lower is better. Returns (n,).
    """
    return area(removal_curve(score, films, maps, replace=replace, fractions=fractions), fractions)


def insertion(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    replace: Replace = blurred,
    fractions: Sequence[float] = FRACTIONS,
) -> np.ndarray:
    """Area under the probability as what the map marks comes first into a film without detail.

    Arguments as in `removal_curve`; higher is better. Returns (n,).
    """
    return area(removal_curve(score, films, maps, replace=replace, fractions=fractions, keep=True), fractions)


def road(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    replace: Replace = noise_imputed,
    fractions: Sequence[float] = ROAD_FRACTIONS,
) -> np.ndarray:
    """Half the probability left when the least marked goes first, less that when the most marked does.

    The mean over fractions, after ROAD (Rong et al. 2022, arXiv:2202.00449). Arguments as in
    `removal_curve`; higher is better, a random map has about 0. Returns (n,).
    """
    most, least = (
        removal_curve(score, films, maps, replace=replace, fractions=fractions, least_first=reverse)
        for reverse in (False, True)
    )
    return (least - most).mean(axis=1) / 2


def drop_and_rise(score: Score, films: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is left of the probability of a film that is multiplied by its map, scaled to 0–1.

    Chattopadhyay et al. 2018, arXiv:1710.11063. A film under an empty map is black.

    Args:
        score: The model.
        films: (n, side, side) uint8.
        maps: (n, side, side) 0 or more.

    Returns:
        (n,) share of the probability that is lost, in 0–1, lower is better; (n,) 1 where it rises, else 0,
        higher is better.
    """
    peaks = maps.max(axis=(1, 2), keepdims=True)
    scaled = np.divide(maps, peaks, out=np.zeros(maps.shape), where=peaks > 0)
    before = _probability(score(films))
    after = _probability(score(np.rint(films * scaled).astype(np.uint8)))
    return np.maximum(before - after, 0) / before, (after > before).astype(float)


def _ranks(map_: np.ndarray) -> np.ndarray:
    """Place of each pixel when the largest value comes first."""
    # Without the random order, maps that are 0 on most of the film would be eaten from the top down.
    order = np.random.default_rng(0).permutation(map_.size)
    order = order[np.argsort(-map_.ravel()[order], kind="stable")]
    ranks = np.empty(map_.size, np.int64)
    ranks[order] = np.arange(map_.size)
    return ranks.reshape(map_.shape)


def _probability(scores: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, -scores))
