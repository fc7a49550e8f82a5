"""Search for the files of a set in a folder or zip, by the table that lists its films."""

import contextlib
import os
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.checked_zip import ZipLimits, open_zip
from pneumo_tf.data.datasets.download import ArchivedSet, Files
from pneumo_tf.data.datasets.scan import Omission, count_left_out, is_system_file, levels, other_kind, scan
from pneumo_tf.data.formats.registry import EXTENSIONS
from pneumo_tf.errors import UserError
from pneumo_tf.printable import make_printable

MAX_DEPTH = 2
"""Levels below the given folder that are searched for a table."""

MOST_SEARCHED = 200_000
"""Files and folders that a search lists at most."""


def find_file(path: Path, is_wanted: Callable[[str], bool], name: str) -> tuple[Path, list[str]]:
    """Find the highest folder in the tree that has a file, at most `MAX_DEPTH` levels down.

    Args:
        path: Folder to search.
        is_wanted: Function from a file name to whether this is the file.
        name: Description of the file for error messages.

    Returns:
        The folder, and the names of such files in it, sorted; at least one.

    Raises:
        UserError: If there is none.
    """
    if not os.path.isdir(path):
        raise UserError(f"{path} is not a folder")
    for level in islice(levels(path, MAX_DEPTH, MOST_SEARCHED), MAX_DEPTH + 1):
        for listing in level:
            if names := sorted(filter(is_wanted, listing.files)):
                return path / listing.path, names
    raise UserError(f"there is no {name}")


def open_files(folder: Path) -> Files:
    """Return every file below a folder, by its path under it."""
    return {name: partial((folder / name).open, "rb") for name in scan(folder).files}


def select_set(files: Files, table: str, keep: Callable[[PurePosixPath], bool], where: Path) -> Files:
    """Select the files of a set, by their path under the folder of its table.

    Args:
        files: All files.
        table: Name of the table, with `*` for any characters; the highest one in the tree is used.
        keep: Function from such a path to whether the file belongs to the set.
        where: Folder or zip of the files, for error messages.

    Raises:
        UserError: If there is no such table.
    """
    paths = {PurePosixPath(name): file for name, file in files.items()}
    tables = [path for path in paths if path.match(table) and not any(map(is_system_file, path.parts))]
    if not tables:
        raise UserError(f"{where} is not the set: it has no {table}")
    root = min(tables, key=lambda path: (len(path.parts), path)).parent
    inside = {path.relative_to(root): file for path, file in paths.items() if path.is_relative_to(root)}
    return {
        str(path): file
        for path, file in inside.items()
        if keep(path) and not any(map(is_system_file, path.parts))
    }


@dataclass(frozen=True)
class SetFiles:
    """The files of a published set in a download.

    Args:
        table: Name of the table that lists its films, as in `select_set`.
        belongs: Function from a path under the table's folder to whether the file belongs to the set.
        limits: Limits of its zip.
    """

    table: str
    belongs: Callable[[PurePosixPath], bool]
    limits: ZipLimits

    def open_folder(self, path: Path) -> Files:
        """Return the files of the set in a folder (see `Download`)."""
        return select_set(open_files(path), self.table, self.belongs, path)

    @contextlib.contextmanager
    def open_archive(self, path: Path) -> Iterator[ArchivedSet]:
        """Open the files of the set in a zip (see `Download`).

        Raises:
            UserError: If the zip is refused (`open_zip`) or has no such table.
        """
        with open_zip(path, self.limits) as files:
            kept = select_set(files, self.table, self.belongs, path)
            yield ArchivedSet(kept, count_left_out(_omissions(files, set(kept.values()))))


def _omissions(files: Files, kept: Container[Callable]) -> Iterator[Omission]:
    for name, file in files.items():
        path = PurePosixPath(name)
        if file in kept or any(map(is_system_file, path.parts)):
            continue
        if path.suffix.lower() in EXTENSIONS:
            yield Omission(name, "film", f"in the folder {make_printable(path.parent.name)}")
        else:
            yield other_kind(name)
