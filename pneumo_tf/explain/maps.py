"""Resampling of maps: to the size of films for measures and figures, to a coarse grid for storage."""

from collections.abc import Sequence

import cv2
import numpy as np

KEPT_CELLS = 8
"""Most cells along a side of a stored map, about those of a backbone's last layer at 224 px. Finer maps are
downsampled, because their detail alone would make them less repeatable than coarse ones."""

_LEVELS = 255


def upsample(maps: np.ndarray, side: int) -> np.ndarray:
    """Upsample maps (n, h, w) to the resolution of the films, bilinearly, which adds no peak.

    Returns:
        (n, side, side) float32.
    """
    return _resized(maps, (side, side), cv2.INTER_LINEAR)


def downsample(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Downsample maps or masks (n, h, w) to a coarser grid by the mean over each of its cells.

    Returns:
        (n, *grid) float32.
    """
    return _resized(maps.astype(np.float32), grid, cv2.INTER_AREA)


def pack_maps(maps: np.ndarray) -> list[str]:
    """Encode maps (n, h, w) as text: at most 8 × 8 cells, as multiples of 1/255 of each map's largest value.

    Returns:
        One string per film, two hexadecimal digits per cell, row by row.
    """
    grid = kept_grid(maps.shape[1:])
    low = downsample(maps, grid)
    peaks = low.max(axis=(1, 2), keepdims=True, initial=0)
    levels = np.divide(low * _LEVELS, peaks, out=np.zeros(low.shape, np.float32), where=peaks > 0)
    return [map_.tobytes().hex() for map_ in np.rint(levels).astype(np.uint8)]


def unpack_maps(texts: Sequence[str], grid: tuple[int, int]) -> np.ndarray:
    """Decode the texts of `pack_maps`, given the grid of the original maps.

    Returns:
        (n, h, w) float32, 0–255.
    """
    cells = kept_grid(grid)
    levels = [np.frombuffer(bytes.fromhex(text), np.uint8) for text in texts]
    return np.array(levels, np.float32).reshape(-1, *cells)


def kept_grid(grid: Sequence[int]) -> tuple[int, int]:
    """Return height and width of the stored maps of a grid."""
    down, across = (min(size, KEPT_CELLS) for size in grid)
    return down, across


def _resized(maps: np.ndarray, grid: tuple[int, int], how: int) -> np.ndarray:
    resized = [cv2.resize(map_, grid[::-1], interpolation=how) for map_ in maps]
    return np.array(resized, np.float32).reshape(-1, *grid)
