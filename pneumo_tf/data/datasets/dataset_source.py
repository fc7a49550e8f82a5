"""Description of a dataset: where its films come from and how they are read."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pneumo_tf.data.datasets.scan import LeftOut, show_name
from pneumo_tf.data.films import CLASSES, Film, Films
from pneumo_tf.data.formats.image_format import Warn
from pneumo_tf.data.formats.registry import decode
from pneumo_tf.data.formats.summary import choose_bits, summarise
from pneumo_tf.data.image_files import Header, join_sizes, read_content, read_headers
from pneumo_tf.errors import UserError

Progress = Callable[[int, int], None]
"""Called with the work done and the work in all."""

Files = Mapping[str, Callable[[], BinaryIO]]
"""Functions that open each file, by its path under the dataset's root."""

Masks = Callable[[str], np.ndarray | None]
"""Function from a film id to (height, width) uint8, 255 inside and 0 outside; None if nothing is marked."""


@dataclass(frozen=True)
class FilmList:
    """The films of a folder as names and tables describe them, before a file is opened.

    Args:
        root: Folder that film ids are relative to.
        ids: POSIX paths of the films, sorted.
        describe: Takes a film id and the header of its file; gives the row of the film table.
        left_out: Files and folders under the root that are no films, by reason.
    """

    root: Path
    ids: tuple[str, ...]
    describe: Callable[[str, Header], Film]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class SourceSeries:
    """The series that a dataset's films were numbered in: archives or machines that a model may recognise.

    Args:
        of: Takes a film id; gives the name of its series, `""` if it is unknown.
        note: What a reader of results by series should know, one or two sentences.
    """

    of: Callable[[str], str]
    note: str


@dataclass(frozen=True)
class MisleadingNumber:
    """A number in file names that looks like a patient's and is not.

    Args:
        of: Takes a film id; gives the number, or None if the name has none.
        shown: The number in its place in a name, such as `person<N>`.
        explanation: What identifies a patient instead, as sentences.
        care: What to do, as a sentence.
    """

    of: Callable[[str], str | None]
    shown: str
    explanation: str
    care: str


@dataclass(frozen=True)
class Download:
    """How a dataset is fetched.

    Args:
        summary: What is fetched and how large it is, for `--help`.
        folder: Downloads the dataset; gives the folder that it lies in.
        open_folder: Takes such a folder; gives the files to copy.
        open_archive: Takes a zip downloaded by hand; opens the files in it.
    """

    summary: str
    folder: Callable[[], Path]
    open_folder: Callable[[Path], Files]
    open_archive: Callable[[Path], AbstractContextManager[Files]]


def _no_film(film_id: str) -> bool:
    return False


def _every_film(film_id: str) -> bool:
    return True


def _no_masks(root: Path, kind: str) -> Masks | None:
    return None


@dataclass(frozen=True)
class Dataset:
    """Films, with the folder that their pixels lie in.

    Args:
        source: What is known of the dataset that they are of.
        title: As shown on the board.
        root: Folder that film ids are relative to; None if only the table is available.
        films: Every film.
        bits: Bits of gray at which films are read that are deeper than 8 and do not state how deep.
        notes: What a reader of results must know of how the films were read, as sentences of plain text.
    """

    source: "DatasetSource"
    title: str
    root: Path | None
    films: Films
    bits: int = 16
    notes: tuple[str, ...] = ()

    def decode(self, film_id: str, warn: Warn | None = None) -> np.ndarray:
        """Decode a film to gray.

        Args:
            film_id: Its id.
            warn: Called with each fault of the file that its decoder passes over.

        Returns:
            (height, width) uint8, 0 black to 255 white.

        Raises:
            OSError: If the file cannot be read.
            ValueError: With the reason if it cannot be decoded.
        """
        return decode(read_content(self.root / film_id), self.bits, warn)


@dataclass(frozen=True)
class DatasetSource:
    """A dataset that the suite can read. A new one is one module with such an entry, named in `DATASETS`.

    Args:
        name: Its key in `DATASETS`, options and stored runs.
        title: As the board shows it if the films are those published.
        folder: Name of its folder under `data/`.
        lacks: Function from a folder to what is missing for it to be this dataset, `""` if nothing is.
        list_films: Function from such a folder to its films. Raises `UserError` if it cannot be used.
        notice: Licence and citation, as lines of text.
        protocols: Names of the protocols that can divide it.
        counts: Films of the published set by split and subtype; empty if there is no such set.
        plausible_accuracy: Highest accuracy on the published test films that was published without leakage;
            None if it is not known.
        series: The series of its films, None if they are not known.
        misleading_number: A number in its file names that looks like a patient's and is not, None if there is
            none.
        names_patient: Function from a film id to whether the source states the patient. A film without one
            counts as a patient of its own.
        set_apart: Function from a film id to whether the source keeps it out of its training folder (Kaggle's
            `val`), although its split is train.
        open_masks: Function of the root of the films and a kind, `"masks"` for opacities or `"lungs"`, to
            masks or outlined boxes, None if the dataset has none of the kind.
        download: Download of the dataset, None if it cannot be downloaded.
        draw: Function of a new folder and a progress callback that draws synthetic films; None for real ones.
    """

    name: str
    title: str
    folder: str
    lacks: Callable[[Path], str]
    list_films: Callable[[Path], FilmList]
    notice: str
    protocols: tuple[str, ...]
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    plausible_accuracy: float | None = None
    series: SourceSeries | None = None
    misleading_number: MisleadingNumber | None = None
    names_patient: Callable[[str], bool] = _every_film
    set_apart: Callable[[str], bool] = _no_film
    open_masks: Callable[[Path, str], Masks | None] = _no_masks
    download: Download | None = None
    draw: Callable[[Path, Progress | None], Path] | None = None

    @property
    def synthetic(self) -> bool:
        """Whether its films are drawn by a program."""
        return self.draw is not None

    @property
    def test_counts(self) -> tuple[int, int] | None:
        """Normal and pneumonia films of the published test set, None if there is none."""
        tested = {subtype: n for (split, subtype), n in self.counts.items() if split == "test"}
        normals = tested.pop(CLASSES[0], 0)
        return (normals, sum(tested.values())) if normals or tested else None

    def read(
        self,
        path: Path,
        *,
        cache: Path | None = None,
        sizes: Path | None = None,
        progress: Progress | None = None,
    ) -> Dataset:
        """Read a folder of the dataset.

        Args:
            path: The folder, in any form that `list_films` accepts.
            cache: Folder that stores sizes and digests, so that the next start reads no film.
            sizes: CSV of `path,width,height` in pixels, for films that were resized after publication.
            progress: Called with the films read so far and the films that have to be read.

        Returns:
            The films, sorted by id.

        Raises:
            UserError: If a folder is missing or empty, a film cannot be read or its name contradicts its
                class, or the CSV does not fit.
        """
        listed = self.list_films(path)
        headers = read_headers(listed.root, listed.ids, cache=cache, progress=progress)
        bits, notes = choose_bits(headers), summarise(listed.ids, headers)
        if sizes is not None:
            headers = [
                header._replace(width=width, height=height)
                for header, (width, height) in zip(headers, join_sizes(sizes, listed.ids), strict=True)
            ]
        films = self.tabulate(map(listed.describe, listed.ids, headers))
        _check_classes(listed.root, films)
        return Dataset(self, self.title_of(films, path), listed.root, films, bits, notes)

    def tabulate(self, rows: Iterable[Film]) -> Films:
        """Return the table of films, in the order given."""
        rows = tuple(rows)
        return Films(rows, frozenset(film.id for film in rows if self.set_apart(film.id)))

    def count_differences(self, films: Iterable[Film]) -> list[str]:
        """Describe how films differ in number from the published set, one line per split and subtype.

        Returns:
            Nothing if the counts are the same, or if there is no published set.
        """
        if not self.counts:
            return []
        found = Counter((film.split, film.subtype) for film in films)
        return [
            f"{split}: {found[split, subtype]:,} instead of {self.counts.get((split, subtype), 0):,} "
            f"{subtype} films"
            for split, subtype in [*self.counts, *sorted(set(found) - set(self.counts))]
            if found[split, subtype] != self.counts.get((split, subtype), 0)
        ]

    def title_of(self, films: Films, path: Path) -> str:
        """Return the title that a board shows: the published one for the published films alone.

        Args:
            films: Every film.
            path: The folder as the user named it; other films are named after it.
        """
        if self.synthetic:
            return self.title
        if self.counts and not self.count_differences(films):
            return f"{self.title}, {len(films):,} films"
        own = f"{show_name(path.resolve().name)}: {len(films):,} films"
        published = f" in the layout of {self.name}, not its {sum(self.counts.values()):,} published films"
        return own + published if self.counts else own

    def check_protocol(self, name: str) -> None:
        """Refuse a protocol that cannot divide this dataset.

        Raises:
            UserError: If it is not among `protocols`.
        """
        if name not in self.protocols:
            raise UserError(
                f"{self.name} cannot be divided by the protocol {name}; choose {', '.join(self.protocols)}"
            )


def _check_classes(root: Path, films: Films) -> None:
    """Refuse films in a wrong class folder: the file name is the only independent check of the label."""
    wrong = [film.id for film in films if (film.subtype == "normal") != (film.label == 0)]
    if wrong:
        raise UserError(
            f"{len(wrong):,} of {len(films):,} films in {root} lie in a class that their name contradicts, "
            f"such as {wrong[0]}; move them, or fetch the set again"
        )
