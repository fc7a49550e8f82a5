"""Download of a dataset, and the files of it to copy."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pneumo_tf.data.datasets.scan import LeftOut

Files = Mapping[str, Callable[[], BinaryIO]]
"""Functions that open a file, by its path under the dataset's root."""


class ArchivedSet(NamedTuple):
    """The files of a set in an archive.

    Args:
        files: Files to copy, by their path in the copy.
        left_out: Other files of the archive.
    """

    files: Files
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Download:
    """Download of a dataset.

    Args:
        summary: Contents and size, for `--help`.
        folder: Function that downloads the dataset and returns its folder.
        open_folder: Function from such a folder to the files to copy.
        open_archive: Function from a zip that the user downloaded to the files in it, while it is open.
        steps: Required or possible steps of the user in a browser, one phrase each.
    """

    summary: str
    folder: Callable[[], Path]
    open_folder: Callable[[Path], Files]
    open_archive: Callable[[Path], AbstractContextManager[ArchivedSet]]
    steps: tuple[str, ...] = ()
