"""Baselines that a method has to beat: maps made without the model, and the plain input gradient.

All have the grid of the explained layer, so that methods and baselines have the same resolution.
"""

import zlib
from collections.abc import Mapping

import cv2
import numpy as np
import tensorflow as tf

from pneumo_tf.explain.cam import Activations, Cam

Grid = tuple[int, int]
SPREAD = 0.2
"""Standard deviation of the centred Gaussian, as a share of the film's side."""


class Baseline:
    """Base class of maps made from the film alone."""

    title: str

    def maps(self, films: np.ndarray, grid: Grid) -> np.ndarray:
        """Return maps (b, *grid) float32, 0 or more, of films (b, side, side) uint8."""
        raise NotImplementedError


class RandomMap(Baseline):
    """Independent uniform random numbers, with a seed from the film."""

    title = "random map"

    def maps(self, films: np.ndarray, grid: Grid) -> np.ndarray:
        """See `Baseline.maps`."""
        seeds = (zlib.crc32(np.ascontiguousarray(film)) for film in films)
        return _stacked([np.random.default_rng(seed).random(grid, np.float32) for seed in seeds], grid)


class CentreGaussian(Baseline):
    """Gaussian in the middle, the same for every film."""

    title = "blob in the middle"

    def maps(self, films: np.ndarray, grid: Grid) -> np.ndarray:
        """See `Baseline.maps`."""
        down, across = (((np.arange(n) + 0.5) / n - 0.5) / SPREAD for n in grid)
        blob = np.exp(-0.5 * (down[:, None] ** 2 + across[None, :] ** 2)).astype(np.float32)
        return _stacked([blob] * len(films), grid)


class SobelEdges(Baseline):
    """Sobel gradient magnitude of the film, averaged over each cell of the grid."""

    title = "edges of the film"

    def maps(self, films: np.ndarray, grid: Grid) -> np.ndarray:
        """See `Baseline.maps`."""
        return _stacked([_on_grid(_edges(film), grid) for film in films], grid)


class InputGradient(Cam):
    """Absolute gradient of the target with respect to the film, averaged over each cell of the grid.

    Simonyan et al. 2014, arXiv:1312.6034. It is large where changes of the film, in either direction, change
    the target most.
    """

    title = "input gradient"
    needs_pixel_gradient = True

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        grid = activations.features.shape[1:3]
        return tf.image.resize(tf.abs(activations.pixel_gradient), grid, method="area")[..., 0]


def _edges(film: np.ndarray) -> np.ndarray:
    across, down = (cv2.Sobel(film, cv2.CV_32F, dx, 1 - dx, ksize=3) for dx in (1, 0))
    return np.hypot(across, down)


def _on_grid(map_: np.ndarray, grid: Grid) -> np.ndarray:
    return cv2.resize(map_, grid[::-1], interpolation=cv2.INTER_AREA)


def _stacked(maps: list[np.ndarray], grid: Grid) -> np.ndarray:
    return np.array(maps, np.float32).reshape(-1, *grid)


BASELINES: Mapping[str, type[Baseline] | type[Cam]] = {
    "random": RandomMap,
    "centre": CentreGaussian,
    "edges": SobelEdges,
    "input_gradient": InputGradient,
}
"""Every baseline by name."""
