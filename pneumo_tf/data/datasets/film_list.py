"""The films of a folder as they are listed, before an image file is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pneumo_tf.data.datasets.scan import LeftOut
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.image_files import Header


def _no_covariates(film_id: str, header: Header) -> Mapping[str, str]:
    return {}


def _no_class(film_id: str) -> int | None:
    return None


def _unchanged(films: Films) -> Films:
    return films


@dataclass(frozen=True)
class FilmList:
    """The films of a folder, from file names and tables; no image file has been opened yet.

    Args:
        root: Folder that film ids are relative to.
        ids: POSIX paths of the films, sorted.
        describe: Function from a film id and the header of its file to the row of the film table.
        describe_covariates: Function from the same to the covariates of the film, by column.
        named_class: Function from a film id to the class in its file name, None if the name has none. It is
            the only check of the label that does not depend on the folder.
        complete: Function from the table of all films to the same table with columns that depend on all
            films, such as a test split.
        notes: Sentences about the choice of films that a reader of results needs.
        left_out: Files and folders that are not listed.
    """

    root: Path
    ids: tuple[str, ...]
    describe: Callable[[str, Header], Film]
    describe_covariates: Callable[[str, Header], Mapping[str, str]] = _no_covariates
    named_class: Callable[[str], int | None] = _no_class
    complete: Callable[[Films], Films] = _unchanged
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def misplaced(self, films: Films) -> list[str]:
        """Return the ids of films whose name contradicts their label."""
        return [film.id for film in films if self.named_class(film.id) not in (None, film.label)]
