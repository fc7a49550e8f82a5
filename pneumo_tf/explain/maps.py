"""Maps at other resolutions: as large as films to be measured and drawn, as small as can be kept."""

from collections.abc import Sequence

import cv2
import numpy as np

KEPT_CELLS = 8
"""Cells of a side of a kept map at most: about what the last layer of a backbone has at 224 px. Finer maps
are brought to it, or they would be called less repeatable than coarse ones for their detail alone."""

_LEVELS = 255


def upsampled(maps: np.ndarray, side: int) -> np.ndarray:
    """Brings maps (n, h, w) to the films' resolution, bilinear, so that no peak is added.

    Returns:
        (n, side, side) float32.
    """
    return _resized(maps, (side, side), cv2.INTER_LINEAR)


def averaged(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Brings maps (n, h, w), or masks, to a coarser grid by the mean over each of its cells.

    Returns:
        (n, *grid) float32.
    """
    return _resized(maps.astype(np.float32), grid, cv2.INTER_AREA)


def packed(maps: np.ndarray) -> list[str]:
    """Writes maps (n, h, w) for keeping: on 8 × 8 cells at most, in 255 levels of each film's largest value.

    Returns:
        One string per film, two hexadecimal digits per cell, row by row.
    """
    grid = kept_grid(maps.shape[1:])
    low = averaged(maps, grid)
    peaks = low.max(axis=(1, 2), keepdims=True, initial=0)
    levels = np.divide(low * _LEVELS, peaks, out=np.zeros(low.shape, np.float32), where=peaks > 0)
    return [map_.tobytes().hex() for map_ in np.rint(levels).astype(np.uint8)]


def unpacked(texts: Sequence[str], grid: tuple[int, int]) -> np.ndarray:
    """Reads what `packed` wrote of maps on a grid.

    Returns:
        (n, h, w) float32, 0–255.
    """
    cells = kept_grid(grid)
    levels = [np.frombuffer(bytes.fromhex(text), np.uint8) for text in texts]
    return np.array(levels, np.float32).reshape(-1, *cells)


def kept_grid(grid: Sequence[int]) -> tuple[int, int]:
    """Height and width that maps on a grid are kept with."""
    down, across = (min(size, KEPT_CELLS) for size in grid)
    return down, across


def _resized(maps: np.ndarray, grid: tuple[int, int], how: int) -> np.ndarray:
    resized = [cv2.resize(map_, grid[::-1], interpolation=how) for map_ in maps]
    return np.array(resized, np.float32).reshape(-1, *grid)
