"""Faithfulness of maps: whether the score depends on what they mark, measured by scoring changed films.

The model is a function from films to scores, so TensorFlow is not needed. Curves show the probability of
pneumonia and are only meaningful for films predicted positive; for others it is low from the start.
"""

import hashlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from scipy.special import expit

from pneumo_tf.evaluation.ratio import ratio

Score = Callable[[np.ndarray], np.ndarray]
"""Function from films (n, side, side) uint8 to (n,) scores."""

Replace = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Function from a film (side, side) uint8 and the pixels to replace, bool, to the changed film, uint8."""

FRACTIONS = tuple(np.linspace(0, 1, 11))
ROAD_FRACTIONS = (0.1, 0.2, 0.4, 0.6, 0.8)
BLUR = 1 / 12
"""Standard deviation of the blur that removes detail, as a share of the film's side."""

NOISE = 2.5
"""Standard deviation of the noise on imputed pixels, in grey levels: 1 % of the range, as in ROAD."""

NEIGHBOURS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32) / 12
"""Weights of the eight neighbours in the imputation, as in ROAD."""

SWEEPS = 64
"""Number of relaxation steps at each resolution of the imputation."""


def remember_scores(score: Score) -> Score:
    """Return a function with the same scores that computes those of equal batches of films once.

    The untouched films, and those that are replaced as a whole, are the same for all maps.
    """
    known: dict[bytes, np.ndarray] = {}

    def remembered(films: np.ndarray) -> np.ndarray:
        key = hashlib.sha256(np.ascontiguousarray(films)).digest()
        if key not in known:
            known[key] = score(films)
        return known[key]

    return remembered


def replace_by_blur(film: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Replace pixels by those of the blurred film, which removes detail but keeps brightness.

    Args:
        film: (side, side) uint8.
        removed: (side, side) bool: pixels to replace.
    """
    if not removed.any():
        return film
    return np.where(removed, cv2.GaussianBlur(film, (0, 0), BLUR * film.shape[0]), film)


def replace_by_imputation(film: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Replace pixels by the weighted mean of their eight neighbours, known or imputed, plus noise.

    Noisy linear imputation of ROAD (Rong et al. 2022, arXiv:2202.00449): unlike a flat patch, it does not
    reveal the outline of what was removed. The noise is the same at every call. The means are relaxed from
    coarse to fine, which is faster than a sparse solver; the difference is on average below the noise.

    Args:
        film: (side, side) uint8.
        removed: (side, side) bool: pixels to replace.
    """
    if not removed.any() or removed.all():
        return np.where(removed, np.uint8(film.mean()), film)
    imputed = _imputed(film.astype(np.float32), ~removed)
    noisy = imputed[removed] + np.random.default_rng(0).normal(0, NOISE, removed.sum())
    changed = film.copy()
    changed[removed] = np.clip(np.rint(noisy), 0, 255)
    return changed


def _imputed(levels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill the unknown pixels of levels (h, w) float32 so that each is the mean of its neighbours."""
    if known.all():
        return levels
    # A coarser film fills large holes, so that few relaxation steps suffice at this resolution.
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
    replace: Replace = replace_by_blur,
    fractions: Sequence[float] = FRACTIONS,
    keep: bool = False,
    least_first: bool = False,
) -> np.ndarray:
    """Return the probability of pneumonia while an increasing share of each film is replaced.

    Args:
        score: Scores of the model.
        films: (n, side, side) uint8.
        maps: (n, side, side); the largest values are replaced first, equal values in a fixed random order.
        replace: Function that replaces pixels.
        fractions: Shares of the film to replace, ascending.
        keep: Whether to keep these shares and replace the rest.
        least_first: Whether to start with the smallest values of the map.

    Returns:
        (n, len(fractions)) float64 in 0–1.
    """
    ranks = np.array([_pixel_ranks(-map_ if least_first else map_) for map_ in maps])
    curve = np.empty((len(films), len(fractions)))
    for step, fraction in enumerate(fractions):
        chosen = ranks < round(fraction * films[0].size) if len(films) else ranks
        changed = [replace(film, here != keep) for film, here in zip(films, chosen, strict=True)]
        curve[:, step] = expit(score(np.array(changed, np.uint8).reshape(films.shape)))
    return curve


def area_under_curve(curve: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """Return the (n,) mean height of curves (n, k) over k fractions, by the trapezoidal rule."""
    return np.trapezoid(curve, fractions, axis=1) / (fractions[-1] - fractions[0])


def deletion(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    replace: Replace = replace_by_blur,
    fractions: Sequence[float] = FRACTIONS,
) -> np.ndarray:
    """Return the (n,) deletion scores of Petsiuk et al. 2018 (arXiv:1806.07421); lower is better.

    Area under the curve of the probability while pixels are replaced, the most marked first. Arguments as in
    `removal_curve`.
    """
    return area_under_curve(
        removal_curve(score, films, maps, replace=replace, fractions=fractions), fractions
    )


def insertion(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    replace: Replace = replace_by_blur,
    fractions: Sequence[float] = FRACTIONS,
) -> np.ndarray:
    """Return the (n,) insertion scores of Petsiuk et al. 2018 (arXiv:1806.07421); higher is better.

    Area under the curve of the probability while pixels are restored in a film without detail, the most
    marked first. Arguments as in `removal_curve`.
    """
    return area_under_curve(
        removal_curve(score, films, maps, replace=replace, fractions=fractions, keep=True), fractions
    )


def road(
    score: Score,
    films: np.ndarray,
    maps: np.ndarray,
    replace: Replace = replace_by_imputation,
    fractions: Sequence[float] = ROAD_FRACTIONS,
) -> np.ndarray:
    """Return the (n,) ROAD scores (Rong et al. 2022, arXiv:2202.00449); higher is better, about 0 at random.

    Half the difference between the probabilities with the least and with the most marked pixels replaced,
    averaged over fractions. Arguments as in `removal_curve`.
    """
    most, least = (
        removal_curve(score, films, maps, replace=replace, fractions=fractions, least_first=reverse)
        for reverse in (False, True)
    )
    return (least - most).mean(axis=1) / 2


def drop_and_increase(score: Score, films: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms of Average Drop and of Increase in Confidence, film by film.

    Chattopadhyay et al. 2018, arXiv:1710.11063. Each film is multiplied by its map, scaled to 0–1; under an
    empty map it is black.

    Args:
        score: Scores of the model.
        films: (n, side, side) uint8.
        maps: (n, side, side) 0 or more.

    Returns:
        (n,) share of the probability that is lost, in 0–1, lower is better; (n,) 1 if the probability
        increases, else 0, higher is better.
    """
    peaks = maps.max(axis=(1, 2), keepdims=True)
    scaled = ratio(maps, peaks, empty=0.0)
    before = expit(score(films))
    after = expit(score(np.rint(films * scaled).astype(np.uint8)))
    return np.maximum(before - after, 0) / before, (after > before).astype(float)


def _pixel_ranks(map_: np.ndarray) -> np.ndarray:
    """Return the rank of each pixel of a map (side, side), 0 for the largest value."""
    # Ties are ordered at random; otherwise they would be replaced row by row.
    order = np.random.default_rng(0).permutation(map_.size)
    order = order[np.argsort(-map_.ravel()[order], kind="stable")]
    ranks = np.empty(map_.size, np.int64)
    ranks[order] = np.arange(map_.size)
    return ranks.reshape(map_.shape)
