"""Download of ChestX-ray14: from Kaggle, or by hand from the NIH."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.checked_zip import ZipLimits, open_zip
from pneumo_tf.data.datasets.dataset_source import Download, Files
from pneumo_tf.data.datasets.kaggle import download_dataset
from pneumo_tf.data.datasets.set_files import open_files, select_set

HANDLE = "nih-chest-xrays/data/versions/3"
PAGE = "https://www.kaggle.com/datasets/nih-chest-xrays/data"
NIH_PAGE = "https://nihcc.app.box.com/v/ChestXray-NIHCC"

TABLES = ("Data_Entry_2017*.csv", "BBox_List_2017.csv", "train_val_list.txt", "test_list.txt")

LIMITS = ZipLimits(entries=250_000, size=100 * 10**9)
"""Twice the number and the bytes of the films."""


def open_folder(path: Path) -> Files:
    """Return the films and tables of a folder, as `Download` describes."""
    return _select(open_files(path), path)


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Files]:
    """Open the films and tables in a zip, as `Download` describes.

    Raises:
        UserError: If the zip is refused (`open_zip`) or holds no table of films.
    """
    with open_zip(path, LIMITS) as files:
        yield _select(files, path)


def _select(files: Files, where: Path) -> Files:
    return select_set(files, TABLES[0], _belongs, where)


def _belongs(path: PurePosixPath) -> bool:
    return path.suffix == ".png" or (len(path.parts) == 1 and any(map(path.match, TABLES)))


DOWNLOAD = Download(
    "films of the NIH, ChestX-ray14, 45 GB",
    partial(download_dataset, HANDLE, PAGE),
    open_folder,
    open_archive,
    steps=(
        f"no account is needed; the NIH asks for a link to {NIH_PAGE} and a citation",
        f"by hand: download the 12 archives of images and the tables from {NIH_PAGE}, unpack all into one "
        "folder, and name it with --data; nothing is fetched then",
    ),
)
"""From Kaggle: the NIH's own page cannot be read by a program."""
