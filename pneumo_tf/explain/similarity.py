"""How alike two maps of the same film are: between weights, seeds of one recipe, or methods."""

import cv2
import numpy as np

_SPREAD = 1.5
_STABLE = (0.01**2, 0.03**2)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of two maps, film by film.

    Args:
        one: (n, h, w).
        other: (n, h, w).

    Returns:
        (n,) float64 in −1–1, ties given their mean rank; nan where a map is the same everywhere.
    """
    return (ranked(one) * ranked(other)).sum(axis=1)


def ranked(maps: np.ndarray) -> np.ndarray:
    """Ranks the cells of each map; the product of two such rows, summed, is their rank correlation.

    Args:
        maps: (n, h, w).

    Returns:
        (n, h * w) float64 of mean 0 and length 1, ties given their mean rank; nan where a map is the same
        everywhere.
    """
    ranks = np.array([_mean_ranks(map_) for map_ in maps]).reshape(len(maps), np.prod(maps.shape[1:]))
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return np.divide(ranks, length, out=np.full(ranks.shape, np.nan), where=length > 0)


def ssim(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Structural similarity of two maps, film by film (Wang et al. 2004, doi:10.1109/TIP.2003.819861).

    Each map is divided by its largest value first: the measure is of their shape, not of their units.

    Args:
        one: (n, h, w) 0 or more.
        other: (n, h, w) 0 or more.

    Returns:
        (n,) float64, 1 where both are the same, the mean over windows of a Gaussian of 1.5 cells.
    """
    values = [_ssim(_scaled(a), _scaled(b)) for a, b in zip(one, other, strict=True)]
    return np.array(values, float).reshape(-1)


def alike(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """Compares maps (n, h, w), 0 or more, film by film.

    Returns:
        `rank`, as `rank_correlation`, and `ssim`, each (n,) float64; both nan where a map is the same
        everywhere, as an empty one is: it says of no place that it is like another.
    """
    rank = rank_correlation(one, other)
    return {"rank": rank, "ssim": np.where(np.isnan(rank), np.nan, ssim(one, other))}


def alike_next_film(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """Compares each map with the other's of the next film, the last with the first: as `alike`.

    It is what maps have in common whatever the film, as two blobs in the middle do.
    """
    return alike(one, np.roll(other, -1, axis=0))


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


def _mean_ranks(map_: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(map_, return_inverse=True, return_counts=True)
    upto = np.cumsum(counts)
    return ((upto - counts + upto - 1) / 2)[place.ravel()]
