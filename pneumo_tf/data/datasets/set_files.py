"""The files of a set in a folder or zip that holds more, found by the table that names its films."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.dataset_source import Files
from pneumo_tf.data.datasets.scan import is_litter, scan
from pneumo_tf.errors import UserError


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
