"""Every film of a folder, decoded once: what it is called, and the small copies that the audit looks at."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np

from pneumo_tf.data.datasets.kermany import SPLITS, TITLE, film_ids, find_root, read_name
from pneumo_tf.data.datasets.phantom.writer import RECORD
from pneumo_tf.data.films import CLASSES, Dataset, Film, Films
from pneumo_tf.data.image_files import image_size, read_sizes
from pneumo_tf.errors import UserError
from pneumo_tf.models.trivial import THUMBNAIL_SIDE
from pneumo_tf.report.board import Board
from pneumo_tf.run import HARNESS_VERSION

HASH_SIDE = 16
"""Rows, and differences per row, of the difference hash: 256 bits."""

GRID_SIDE = 64
"""Side of the copies that are correlated: fine enough for ribs, coarse enough to forgive compression."""

Progress = Callable[[int, int], None]


class Unreadable(NamedTuple):
    """A file that is no film.

    Args:
        id: POSIX path under the root.
        reason: In a few words.
    """

    id: str
    reason: str


class Copies(NamedTuple):
    """Small copies of n films, uint8.

    Args:
        thumbnail: (n, 16, 16), squashed, as the trivial model sees a film.
        letterboxed: (n, 16, 16), with the aspect of the original between black bars.
        steps: (n, 16, 17), whose differences along a row are the bits of the hash.
        grid: (n, 64, 64), for correlation.
    """

    thumbnail: np.ndarray
    letterboxed: np.ndarray
    steps: np.ndarray
    grid: np.ndarray


@dataclass(frozen=True)
class DecodedSet:
    """The films of a folder that can be read, and the files that cannot.

    Args:
        dataset: The readable films, sorted by id.
        copies: Of each of them.
        unreadable: Files with a film's name that do not decode.
        sizes_given: Whether the films' sizes come from a CSV.
        stored: Width and height of every file, where they are all alike: then they were resized.
    """

    dataset: Dataset
    copies: Copies
    unreadable: tuple[Unreadable, ...]
    sizes_given: bool
    stored: tuple[int, int] | None

    @property
    def films(self) -> Films:
        """The readable films."""
        return self.dataset.films

    @cached_property
    def folders(self) -> np.ndarray:
        """(n,) `"train"`, `"val"` or `"test"`: where each film lies; its `split` counts val as train."""
        return np.array([film.id.split("/")[0].lower() for film in self.films])

    @cached_property
    def splits(self) -> np.ndarray:
        """(n,) `"train"` or `"test"`."""
        return np.array([film.split for film in self.films])

    @cached_property
    def subtypes(self) -> np.ndarray:
        """(n,) `"normal"`, `"bacteria"`, `"virus"` or `"pneumonia"`."""
        return np.array([film.subtype for film in self.films])

    @cached_property
    def patients(self) -> np.ndarray:
        """(n,) key of the person on each film."""
        return np.array([film.patient for film in self.films])

    @property
    def synthetic(self) -> bool:
        """Whether the films are drawn by a program."""
        return self.dataset.name == "phantom"

    @property
    def sizes_known(self) -> bool:
        """Whether the films' sizes can be those of the originals."""
        return self.sizes_given or self.stored is None


def decode_set(path: Path, sizes: Path | None = None, progress: Progress | None = None) -> DecodedSet:
    """Decodes every film of a folder; one that fails is noted, and the others are read all the same.

    Args:
        path: The folder with `train` and `test`, or one that holds it up to two levels down.
        sizes: CSV of `path,width,height` in pixels, for films that were resized after they were published.
        progress: Called with films done and films in all.

    Raises:
        UserError: Where a folder is missing or empty, no film can be read, or the CSV does not fit.
    """
    root = find_root(path)
    ids = sorted(film_ids(root))
    known = None if sizes is None else _sizes_of(ids, sizes)
    films, copies, stored, unreadable = [], [], set(), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = pool.map(lambda film_id: _decode(root, film_id, known and known[film_id]), ids)
        for done, (film_id, result) in enumerate(zip(ids, decoded, strict=True), 1):
            if isinstance(result, str):
                unreadable.append(Unreadable(film_id, result))
            else:
                films.append(result[0])
                copies.append(result[1])
                stored.add(result[2])
            if progress:
                progress(done, len(ids))
    if not films:
        raise UserError(f"none of the {len(ids):,} films in {root} can be read; fetch the set again")
    stacked = Copies(*(np.stack(column) for column in zip(*copies, strict=True)))
    alike = stored.pop() if len(stored) == 1 else None
    return DecodedSet(_dataset(root, films), stacked, tuple(unreadable), known is not None, alike)


def _dataset(root: Path, films: Sequence[Film]) -> Dataset:
    if (root.parent / RECORD).exists():
        return Dataset("phantom", "Phantom: synthetic films", root, Films(tuple(films)))
    return Dataset("kermany", TITLE, root, Films(tuple(films)))


def _sizes_of(ids: Sequence[str], path: Path) -> dict[str, tuple[int, int]]:
    sizes = read_sizes(path)
    lacking = [film_id for film_id in ids if film_id.lower() not in sizes]
    if lacking:
        raise UserError(
            f"{path} lacks {len(lacking):,} of {len(ids):,} films, such as {lacking[0]}; "
            "add them, or do without the CSV"
        )
    return {film_id: sizes[film_id.lower()] for film_id in ids}


def _decode(
    root: Path, film_id: str, size: tuple[int, int] | None
) -> tuple[Film, Copies, tuple[int, int]] | str:
    """A film with its copies and the width and height of its file, or why it cannot be read."""
    try:
        content = (root / film_id).read_bytes()
        width, height = size or image_size(content)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    except cv2.error:
        image = None
    if image is None:
        return "does not decode" if content else "empty"
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return _film(film_id, width, height, digest), _copies(image, width, height), image.shape[::-1]


def _film(film_id: str, width: int, height: int, digest: str) -> Film:
    folder, label, _ = PurePosixPath(film_id.lower()).parts
    name = read_name(film_id)
    subtype = name.subtype or label
    return Film(film_id, CLASSES.index(label), subtype, name.patient, SPLITS[folder], width, height, digest)


def _copies(image: np.ndarray, width: int, height: int) -> Copies:
    letterboxed = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    scale = THUMBNAIL_SIDE / max(width, height)
    inner = _shrink(image, max(1, round(width * scale)), max(1, round(height * scale)))
    top, left = (THUMBNAIL_SIDE - inner.shape[0]) // 2, (THUMBNAIL_SIDE - inner.shape[1]) // 2
    letterboxed[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return Copies(
        _shrink(image, THUMBNAIL_SIDE, THUMBNAIL_SIDE),
        letterboxed,
        _shrink(image, HASH_SIDE + 1, HASH_SIDE),
        _shrink(image, GRID_SIDE, GRID_SIDE),
    )


def _shrink(image: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def board_of_films(decoded: DecodedSet) -> Board:
    """Return a board without rows, for the figures of the report that show films alone."""
    return Board("", decoded.dataset.title, "audit", decoded.films, (), 0.0, HARNESS_VERSION)
