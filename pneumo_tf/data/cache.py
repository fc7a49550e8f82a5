"""Films decoded once: a memory map of grayscale uint8, shared by every recipe and process."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from pneumo_tf.data.films import Dataset
from pneumo_tf.errors import UserError

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
        cache: Folder of the maps. Two processes may ask for the same map at once: one builds, one waits.
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
    if not path.exists():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with _exclusive(path.with_suffix(".lock")):
                if not path.exists():
                    _build(path, dataset, side, fit, edge_crop, progress)
        except OSError as error:
            raise UserError(
                f"cannot write {path}: {error.strerror}; free space or choose another --out"
            ) from error
    return np.load(path, mmap_mode="r")


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


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(
    path: Path, dataset: Dataset, side: int, fit: str, edge_crop: float, progress: Progress | None
) -> None:
    films = dataset.films.rows
    building = path.with_suffix(".building")
    pixels = np.lib.format.open_memmap(building, "w+", np.uint8, (len(films), side, side))
    if hasattr(os, "posix_fallocate"):
        # A full disk is an error here; met later, through the map, it would kill the process.
        with building.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, building.stat().st_size)
    unreadable = []

    def decode(index: int) -> str | None:
        film = None
        with contextlib.suppress(OSError):
            film = read_film(dataset.root / films[index].id, side, fit, edge_crop)
        if film is None:
            return films[index].id
        pixels[index] = film
        return None

    with ThreadPoolExecutor() as threads:
        for done, failed in enumerate(threads.map(decode, range(len(films))), 1):
            if failed:
                unreadable.append(failed)
            if progress and (done % 50 == 0 or done == len(films)):
                progress(done, len(films))
    if unreadable:
        building.unlink()
        named = ", ".join(unreadable[:5]) + (", …" if len(unreadable) > 5 else "")
        raise UserError(f"{len(unreadable)} unreadable image(s): {named}; fetch them again or delete them")
    pixels.flush()
    building.replace(path)
