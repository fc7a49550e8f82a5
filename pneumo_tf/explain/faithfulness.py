"""Does a map mark what the score rests on? Films are changed where a map says so, and scored again.

The model is a function of films here, so the arithmetic needs no TensorFlow. Curves are of the probability of
pneumonia and say something of films that are called pneumonia; of others there is little to take away.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

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

NEIGHBOURS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32) / 12
"""Weights of the eight neighbours in the imputation, as in ROAD."""

SWEEPS = 64
"""Relaxations at each resolution of the imputation."""


def blurred(film: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Replaces pixels by the film's own blur: detail goes, brightness stays."""
    if not removed.any():
        return film
    return np.where(removed, cv2.GaussianBlur(film, (0, 0), BLUR * film.shape[0]), film)


def noise_imputed(film: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Replaces pixels by a weighted mean of their eight neighbours, known or imputed, and a little noise.

    Noisy linear imputation of ROAD (Rong et al. 2022, arXiv:2202.00449): unlike a flat patch it does not tell
    the model by its outline what was there. The noise is the same at every call. The means are relaxed from
    coarse to fine, in a fraction of a sparse solver's time and on average nearer to its solution than the
    noise is wide.
    """
    if not removed.any() or removed.all():
        return np.where(removed, np.uint8(film.mean()), film)
    imputed = _imputed(film.astype(np.float32), ~removed)
    noisy = imputed[removed] + np.random.default_rng(0).normal(0, NOISE, removed.sum())
    changed = film.copy()
    changed[removed] = np.clip(np.rint(noisy), 0, 255)
    return changed


def _imputed(levels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fills what is not known of levels (h, w) float32, so that each pixel is its neighbours' mean."""
    if known.all():
        return levels
    # A coarser film knows the level of large holes; on this one only detail is left to be relaxed.
    half = tuple(-(-size // 2) for size in levels.shape[::-1])
    share = cv2.resize(known.astype(np.float32), half, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(np.where(known, levels, 0), half, interpolation=cv2.INTER_AREA)
    coarse = _imputed(np.divide(mean, share, out=np.zeros_like(mean), where=share > 0), share > 0)
    filled = cv2.resize(coarse, levels.shape[::-1], interpolation=cv2.INTER_LINEAR)
    filled[known] = levels[known]
    outside = {"ddepth": cv2.CV_32F, "kernel": NEIGHBOURS, "borderType": cv2.BORDER_CONSTANT}
    inside = cv2.filter2D(np.ones_like(levels), **outside)
    for _ in range(SWEEPS):
        np.copyto(filled, cv2.filter2D(filled, **outside) / inside, where=~known)
    return filled


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
