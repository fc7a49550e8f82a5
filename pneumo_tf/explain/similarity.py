"""Similarity of two maps of a film, from different weights, seeds of a recipe, or methods."""

import cv2
import numpy as np
from scipy.stats import rankdata

from pneumo_tf.evaluation.ratio import ratio

_SPREAD = 1.5
_STABLE = (0.01**2, 0.03**2)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of two maps, film by film.

    Args:
        one: (n, h, w).
        other: (n, h, w).

    Returns:
        (n,) float64 in −1–1; ties have their mean rank; nan for a constant map.
    """
    return (standardized_ranks(one) * standardized_ranks(other)).sum(axis=1)


def standardized_ranks(maps: np.ndarray) -> np.ndarray:
    """Return standardized ranks of the cells of each map; their dot product is the rank correlation.

    Args:
        maps: (n, h, w).

    Returns:
        (n, h * w) float64 of mean 0 and norm 1; ties have their mean rank; nan for a constant map.
    """
    ranks = rankdata(maps.reshape(len(maps), np.prod(maps.shape[1:])), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return ratio(ranks, length)


def ssim(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the structural similarity of two maps, film by film.

    Wang et al. 2004, doi:10.1109/TIP.2003.819861. Each map is divided by its largest value first, so that
    units do not matter.

    Args:
        one: (n, h, w) 0 or more.
        other: (n, h, w) 0 or more.

    Returns:
        (n,) float64, at most 1, the mean over Gaussian windows with a standard deviation of 1.5 cells.
    """
    values = [_ssim(_scaled(a), _scaled(b)) for a, b in zip(one, other, strict=True)]
    return np.array(values, float).reshape(-1)


def compare_maps(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """Return the similarity of maps film by film.

    Args:
        one: (n, h, w) 0 or more.
        other: (n, h, w) 0 or more.

    Returns:
        `rank`, the `rank_correlation`, and `ssim`, each (n,) float64; both nan if a map is constant, for
        example empty.
    """
    rank = rank_correlation(one, other)
    return {"rank": rank, "ssim": np.where(np.isnan(rank), np.nan, ssim(one, other))}


def compare_with_next_film(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """Return the similarity of each map to the other's map of the next film; the first film follows the last.

    It measures what maps have in common regardless of the film. Arguments and result as in `compare_maps`.
    """
    return compare_maps(one, np.roll(other, -1, axis=0))


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    var_a, var_b = _local_mean(a * a) - mean_a**2, _local_mean(b * b) - mean_b**2
    covariance = _local_mean(a * b) - mean_a * mean_b
    light, contrast = _STABLE
    above = (2 * mean_a * mean_b + light) * (2 * covariance + contrast)
    return float((above / ((mean_a**2 + mean_b**2 + light) * (var_a + var_b + contrast))).mean())


def _local_mean(map_: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(map_, (0, 0), _SPREAD, borderType=cv2.BORDER_REFLECT)


def _scaled(map_: np.ndarray) -> np.ndarray:
    map_ = map_.astype(np.float64)
    return map_ / map_.max() if map_.max() > 0 else map_
