"""Films decoded once: a memory map of grayscale uint8, shared by every recipe and process."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from pneumo_tf.data.films import Dataset
from pneumo_tf.data.row_cache import stored_rows
from pneumo_tf.errors import UserError

CHUNK = 64
"""Films decoded between two writes: what a killed process loses."""

Progress = Callable[[int, int], None]


def cached_pixels(
    dataset: Dataset,
    cache: Path,
    *,
    side: int,
    fit: Literal["squash", "letterbox"] = "squash",
    edge_crop: float = 0.0,
    progress: Progress | None = None,
) -> np.ndarray:
    """Gives the pixels of all films of a dataset, decoding them where no process has done so before.

    Args:
        dataset: The films; row i of the result is film i.
        cache: Folder of the maps. Two processes may ask for the same map at once: one builds, one waits. What
            a killed one has decoded is kept.
        side: Height and width in pixels.
        fit: `"squash"` to the square, or `"letterbox"`: keep the aspect, pad with black.
        edge_crop: Fraction of each edge cut off before resizing.
        progress: Called with films done and films in all, from one thread at a time.

    Returns:
        (n, side, side) uint8, 0–255, a read-only memory map.

    Raises:
        UserError: For films that cannot be decoded, all named up to five, or where the disk is full.
    """
    path = cache / f"{_key(dataset, side, fit, edge_crop)}-{side}px.npy"
    every = np.arange(len(dataset.films))

    def read(row: int) -> np.ndarray | None:
        with contextlib.suppress(OSError):
            return read_film(dataset.root / dataset.films.rows[row].id, side, fit, edge_crop)

    def decode(missing: np.ndarray) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        return _decode(dataset, missing, read, progress)

    return stored_rows(path, (len(every), side, side), np.uint8, every, decode)


def _decode(
    dataset: Dataset,
    missing: np.ndarray,
    read: Callable[[int], np.ndarray | None],
    progress: Progress | None,
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Decodes films in chunks, each by all threads, so that memory stays flat."""
    unreadable: list[str] = []
    done = len(dataset.films) - len(missing)
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(missing), CHUNK):
            rows = missing[start : start + CHUNK]
            films = list(threads.map(read, rows))
            unreadable += [
                dataset.films.rows[row].id for row, film in zip(rows, films, strict=True) if film is None
            ]
            whole = np.array([film is not None for film in films])
            yield rows[whole], [film for film in films if film is not None]
            done += len(rows)
            if progress:
                progress(done, len(dataset.films))
    if unreadable:
        named = ", ".join(unreadable[:5]) + (", …" if len(unreadable) > 5 else "")
        raise UserError(f"{len(unreadable)} unreadable image(s): {named}; fetch them again or delete them")


def read_film(path: Path, side: int, fit: str = "squash", edge_crop: float = 0.0) -> np.ndarray | None:
    """Decodes one film.

    Args:
        path: A JPEG or PNG file.
        side: Height and width wanted, pixels.
        fit: As in `cached_pixels`.
        edge_crop: As in `cached_pixels`.

    Returns:
        (side, side) uint8, or None where the file is no image.
    """
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) if path.stat().st_size else None
    if image is None:
        return None
    height, width = image.shape
    top, left = round(height * edge_crop), round(width * edge_crop)
    image = image[top : height - top, left : width - left]
    if fit == "squash":
        return _resize(image, side, side)
    scale = side / max(image.shape)
    inner = _resize(image, max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    film = np.zeros((side, side), np.uint8)
    top, left = (side - inner.shape[0]) // 2, (side - inner.shape[1]) // 2
    film[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return film


def _resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    if image.shape == (height, width):
        return image
    # Averaging over the pixels that fall together keeps a shrunk film free of aliasing.
    shrinks = width < image.shape[1] or height < image.shape[0]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _key(dataset: Dataset, side: int, fit: str, edge_crop: float) -> str:
    content = [(film.id, film.digest) for film in dataset.films]
    return hashlib.sha256(repr((content, side, fit, edge_crop, cv2.__version__)).encode()).hexdigest()[:16]
