"""Cache of decoded films: a memory map of grayscale uint8, shared by all recipes and processes."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.film_faults import add_faults
from pneumo_tf.data.formats.image_format import Warn
from pneumo_tf.data.formats.registry import DECODING
from pneumo_tf.data.image_files import describe_broken
from pneumo_tf.data.row_cache import stored_rows
from pneumo_tf.errors import UserError

CHUNK = 64
"""Films per write; a killed process loses at most this many."""

Fit = Literal["squash", "letterbox"]
Progress = Callable[[int, int], None]


def cached_pixels(
    dataset: Dataset,
    cache: Path,
    *,
    side: int,
    fit: Fit = "squash",
    edge_crop: float = 0.0,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the pixels of all films of a dataset; films that are not in the cache are decoded.

    Args:
        dataset: The films; row i of the result is film i.
        cache: Folder of the memory maps. If two processes need the same map, one builds it and the other
            waits. Films decoded by a killed process are kept. Warnings of decoders are stored there too
            (see `film_faults`).
        side: Height and width in pixels.
        fit: `"squash"` changes the aspect; `"letterbox"` keeps it and pads with black.
        edge_crop: Fraction of each edge cut off before resizing.
        progress: Called with the number of films done and of all films, from one thread at a time.

    Returns:
        (n, side, side) uint8, 0–255, a read-only memory map.

    Raises:
        UserError: If films cannot be decoded (with the names of the first ones), or the disk is full.
    """
    path = cache / f"{_key(dataset, side, fit, edge_crop)}-{side}px.npy"
    every = np.arange(len(dataset.films))
    faults: dict[str, str] = {}

    def read(row: int) -> np.ndarray | str:
        film_id = dataset.films.rows[row].id
        try:
            return read_film(dataset, film_id, side, fit, edge_crop, partial(faults.setdefault, film_id))
        except OSError as error:
            return error.strerror or str(error)
        except ValueError as error:
            return str(error)

    def decode(missing: np.ndarray) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        for chunk in _decode(dataset, missing, read, progress):
            # Before the films are stored: a stored film is never decoded again.
            add_faults(cache, dataset, faults)
            faults.clear()
            yield chunk

    return stored_rows(path, (len(every), side, side), np.uint8, every, decode)


def _decode(
    dataset: Dataset,
    missing: np.ndarray,
    read: Callable[[int], np.ndarray | str],
    progress: Progress | None,
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Decode films in chunks, so that memory use stays constant; all threads share a chunk."""
    broken: list[tuple[str, str]] = []
    done = len(dataset.films) - len(missing)
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(missing), CHUNK):
            rows = missing[start : start + CHUNK]
            films = list(threads.map(read, rows))
            whole = np.array([isinstance(film, np.ndarray) for film in films])
            yield rows[whole], [film for film in films if isinstance(film, np.ndarray)]
            broken += [
                (dataset.films.rows[row].id, film)
                for row, film in zip(rows, films, strict=True)
                if isinstance(film, str)
            ]
            done += len(rows)
            if progress:
                progress(done, len(dataset.films))
    if broken:
        raise UserError(describe_broken(dataset.root, broken, len(dataset.films)))


def read_film(
    dataset: Dataset,
    film_id: str,
    side: int,
    fit: Fit = "squash",
    edge_crop: float = 0.0,
    warn: Warn | None = None,
) -> np.ndarray:
    """Decode one film and fit it to a square.

    Args:
        dataset: The dataset of the film.
        film_id: Id of the film.
        side: Height and width of the result in pixels.
        fit: As in `cached_pixels`.
        edge_crop: As in `cached_pixels`.
        warn: As in `Dataset.decode`.

    Returns:
        (side, side) uint8.

    Raises:
        OSError: If the file cannot be read.
        ValueError: With the reason if it cannot be decoded.
    """
    return fit_film(crop_edges(dataset.decode(film_id, warn), edge_crop), side, fit)


def crop_edges(image: np.ndarray, share: float) -> np.ndarray:
    """Cut a share of the height off top and bottom, and of the width off left and right."""
    height, width = image.shape
    top, left = round(height * share), round(width * share)
    return image[top : height - top, left : width - left]


def fit_film(
    image: np.ndarray, side: int, fit: Fit = "squash", size: tuple[int, int] | None = None
) -> np.ndarray:
    """Fit a decoded film to a square.

    Args:
        image: (height, width) uint8.
        side: Height and width of the result in pixels.
        fit: As in `cached_pixels`.
        size: Width and height of the original, for the aspect of a letterbox; by default those of the image.

    Returns:
        (side, side) uint8.
    """
    if fit == "squash":
        return resize(image, side, side)
    width, height = size or image.shape[::-1]
    scale = side / max(width, height)
    inner = resize(image, max(1, round(width * scale)), max(1, round(height * scale)))
    film = np.zeros((side, side), np.uint8)
    top, left = (side - inner.shape[0]) // 2, (side - inner.shape[1]) // 2
    film[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return film


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a film to (height, width) uint8, by averages if it shrinks and by interpolation if it grows."""
    if image.shape == (height, width):
        return image
    # INTER_AREA averages the source pixels of each new pixel, which avoids aliasing.
    shrinks = width < image.shape[1] or height < image.shape[0]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _key(dataset: Dataset, side: int, fit: Fit, edge_crop: float) -> str:
    content = [(film.id, film.digest) for film in dataset.films]
    settings = side, fit, edge_crop, dataset.bits, DECODING, cv2.__version__
    return hashlib.sha256(repr((content, settings)).encode()).hexdigest()[:16]
