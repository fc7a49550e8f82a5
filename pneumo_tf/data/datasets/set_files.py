"""The files of a set in a folder or zip that holds more, found by the table that names its films."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.checked_zip import ZipLimits, open_zip
from pneumo_tf.data.datasets.dataset_source import Files
from pneumo_tf.data.datasets.scan import is_litter, levels, scan
from pneumo_tf.errors import UserError

DEEPEST_TABLE = 2
"""Levels below the folder given that are searched for a table."""

MOST_SEARCHED = 200_000
"""Files and folders that a search lists before it gives up."""


def find_file(path: Path, is_wanted: Callable[[str], bool], name: str) -> tuple[Path, list[str]]:
    """Find the least deep folder that holds a file, down to `DEEPEST_TABLE` levels.

    Args:
        path: Folder to search.
        is_wanted: Function from the name of a file to whether it is looked for.
        name: What is looked for, for messages.

    Returns:
        The folder, and the names of such files in it, sorted; at least one.

    Raises:
        UserError: If there is none.
    """
    if not os.path.isdir(path):
        raise UserError(f"{path} is no folder")
    for level in islice(levels(path, DEEPEST_TABLE, MOST_SEARCHED), DEEPEST_TABLE + 1):
        for listing in level:
            if names := sorted(filter(is_wanted, listing.files)):
                return path / listing.path, names
    raise UserError(f"there is no {name}")


def open_files(folder: Path) -> Files:
    """Return every file below a folder, by its path under it."""
    return {name: partial((folder / name).open, "rb") for name in scan(folder).files}


def select_set(files: Files, table: str, keep: Callable[[PurePosixPath], bool], where: Path) -> Files:
    """Select the files of a set, by their path under the folder that its table lies in.

    Args:
        files: All files.
        table: Name of the table, with `*` for any characters; the least deep one is taken.
        keep: Function from such a path to whether the file belongs to the set.
        where: Folder or zip of the files, for messages.

    Raises:
        UserError: If there is no such table.
    """
    paths = {PurePosixPath(name): file for name, file in files.items()}
    tables = [path for path in paths if path.match(table) and not any(map(is_litter, path.parts))]
    if not tables:
        raise UserError(f"{where} is not the set: it holds no {table}")
    root = min(tables, key=lambda path: (len(path.parts), path)).parent
    inside = {path.relative_to(root): file for path, file in paths.items() if path.is_relative_to(root)}
    return {
        str(path): file for path, file in inside.items() if keep(path) and not any(map(is_litter, path.parts))
    }


@dataclass(frozen=True)
class SetFiles:
    """The files of a published set, wherever they were downloaded to.

    Args:
        table: Name of the table that names its films, as `select_set` takes it.
        belongs: Function from a path next to the table to whether the file belongs to the set.
        limits: Limits of its zip.
    """

    table: str
    belongs: Callable[[PurePosixPath], bool]
    limits: ZipLimits

    def open_folder(self, path: Path) -> Files:
        """Return the files of the set in a folder, as `Download` describes."""
        return select_set(open_files(path), self.table, self.belongs, path)

    @contextlib.contextmanager
    def open_archive(self, path: Path) -> Iterator[Files]:
        """Open the files of the set in a zip, as `Download` describes.

        Raises:
            UserError: If the zip is refused (`open_zip`) or holds no such table.
        """
        with open_zip(path, self.limits) as files:
            yield select_set(files, self.table, self.belongs, path)
