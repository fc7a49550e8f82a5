"""The films of a folder, each decoded once into the small copies that the audit uses."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.reading_options import NO_OPTIONS, ReadingOptions
from pneumo_tf.data.datasets.registry import recognise
from pneumo_tf.data.films import Films
from pneumo_tf.data.formats.registry import decode
from pneumo_tf.data.formats.summary import choose_bits
from pneumo_tf.data.image_files import Header, join_sizes, read_content, try_header
from pneumo_tf.data.pixels import fit_film, resize
from pneumo_tf.errors import UserError
from pneumo_tf.models.trivial import THUMBNAIL_SIDE
from pneumo_tf.report.board import Board
from pneumo_tf.report.wording import Wording
from pneumo_tf.run_spec import HARNESS_VERSION

HASH_SIDE = 16
"""Rows of the difference hash, and differences per row: 256 bits."""

GRID_SIDE = 64
"""Side in pixels of the copies that are correlated: they show ribs, but not artefacts of compression."""

Progress = Callable[[int, int], None]


class Unreadable(NamedTuple):
    """A file that cannot be read as a film.

    Args:
        id: POSIX path under the root.
        reason: Reason in a few words.
    """

    id: str
    reason: str


class _Decoded(NamedTuple):
    """A film that was decoded.

    Args:
        header: Its header, with the size of the original.
        copies: Small copies of it, without the first axis.
        stored: Width and height of the image in its file.
        levels: Number of different grey levels.
        faults: Warnings of its decoder.
    """

    header: Header
    copies: "Copies"
    stored: tuple[int, int]
    levels: int
    faults: tuple[str, ...]


class Copies(NamedTuple):
    """Small copies of n films, uint8.

    Args:
        thumbnail: (n, 16, 16), squashed: the input of the trivial model.
        letterboxed: (n, 16, 16), with the aspect of the original and black bars.
        steps: (n, 16, 17); the signs of differences along a row are the bits of the hash.
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
        copies: Small copies of these films.
        levels: (n,) number of different grey levels of each film.
        damaged: Warnings of the decoder, by id of the damaged film.
        unreadable: Files with a film's extension that cannot be decoded.
        misplaced: Ids of films whose name contradicts their folder.
        sizes_given: Whether the films' sizes come from a CSV.
        stored: Width and height of all images if they are the same, because they were resized; else None.
    """

    dataset: Dataset
    copies: Copies
    levels: np.ndarray
    damaged: tuple[Unreadable, ...]
    unreadable: tuple[Unreadable, ...]
    misplaced: tuple[str, ...]
    sizes_given: bool
    stored: tuple[int, int] | None

    @property
    def films(self) -> Films:
        """The readable films."""
        return self.dataset.films

    @cached_property
    def folders(self) -> np.ndarray:
        """(n,) `"train"`, `"val"` or `"test"`; films of split train that the source sets apart are val."""
        return np.array(["val" if film.id in self.films.set_apart else film.split for film in self.films])

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
    def wording(self) -> Wording:
        """Words of sentences on these films; if no patient is known, films are resampled and divided."""
        return Wording(self.dataset.source, self.films)

    @property
    def synthetic(self) -> bool:
        """Whether the films are drawn by a program."""
        return self.dataset.source.synthetic

    @property
    def sizes_known(self) -> bool:
        """Whether the sizes of the originals are known."""
        return self.sizes_given or self.stored is None


def decode_set(
    path: Path,
    sizes: Path | None = None,
    progress: Progress | None = None,
    options: ReadingOptions = NO_OPTIONS,
) -> DecodedSet:
    """Decode every film of a folder; films that fail are recorded and do not stop the others.

    Args:
        path: Folder of a known dataset.
        sizes: CSV of `path,width,height` in pixels, for films that were resized after publication.
        progress: Called with the number of films done and of all films.
        options: Options of the user about the films.

    Raises:
        UserError: If the folder has no such dataset, no film can be read, or the CSV does not match.
    """
    source = recognise(path)
    listed = source.find_films(path, options)
    known = repeat(None) if sizes is None else join_sizes(sizes, listed.ids)
    readable: list[tuple[str, _Decoded]] = []
    unreadable = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(try_header, (f"{listed.root}/{film_id}" for film_id in listed.ids))
        headers = dict(zip(listed.ids, found, strict=True))
        bits = choose_bits(header for header in headers.values() if isinstance(header, Header))
        decoded = pool.map(partial(_decode, listed.root, bits), listed.ids, headers.values(), known)
        for done, (film_id, result) in enumerate(zip(listed.ids, decoded, strict=True), 1):
            if isinstance(result, str):
                unreadable.append(Unreadable(film_id, result))
            else:
                readable.append((film_id, result))
            if progress:
                progress(done, len(listed.ids))
    if not readable:
        raise UserError(
            f"none of the {len(listed.ids):,} films in {listed.root} can be read; fetch the set again"
        )
    dataset = source.tabulate(path, listed, ((film_id, film.header) for film_id, film in readable))
    stored = {film.stored for _, film in readable}
    return DecodedSet(
        dataset,
        Copies(*(np.stack(column) for column in zip(*(film.copies for _, film in readable), strict=True))),
        np.array([film.levels for _, film in readable]),
        tuple(Unreadable(film_id, ", ".join(film.faults)) for film_id, film in readable if film.faults),
        tuple(unreadable),
        tuple(listed.misplaced(dataset.films)),
        sizes is not None,
        stored.pop() if len(stored) == 1 else None,
    )


def _decode(
    root: Path, bits: int, film_id: str, header: Header | str, size: tuple[int, int] | None
) -> _Decoded | str:
    """Return a film, or the reason why it cannot be read."""
    if isinstance(header, str):
        return header
    faults: list[str] = []
    try:
        image = decode(read_content(f"{root}/{film_id}"), bits, faults.append)
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    width, height = size or (header.width, header.height)
    return _Decoded(
        header._replace(width=width, height=height),
        _copy(image, (width, height)),
        image.shape[::-1],
        int(np.count_nonzero(np.bincount(image.ravel(), minlength=256))),
        tuple(faults),
    )


def _copy(image: np.ndarray, size: tuple[int, int]) -> Copies:
    return Copies(
        fit_film(image, THUMBNAIL_SIDE),
        fit_film(image, THUMBNAIL_SIDE, "letterbox", size),
        resize(image, HASH_SIDE + 1, HASH_SIDE),
        resize(image, GRID_SIDE, GRID_SIDE),
    )


def board_of_films(decoded: DecodedSet) -> Board:
    """Return a board without rows, for those figures of the report that need only films."""
    dataset = decoded.dataset
    return Board("", dataset.source, dataset.title, "audit", decoded.films, (), 0.0, HARNESS_VERSION)
