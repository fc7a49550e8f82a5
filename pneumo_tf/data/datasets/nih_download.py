"""Download of ChestX-ray14: from Kaggle, or by hand from the NIH."""

from functools import partial
from pathlib import PurePosixPath

from pneumo_tf.data.datasets.checked_zip import ZipLimits
from pneumo_tf.data.datasets.download import Download
from pneumo_tf.data.datasets.kaggle import download_dataset
from pneumo_tf.data.datasets.set_files import SetFiles

HANDLE = "nih-chest-xrays/data/versions/3"
PAGE = "https://www.kaggle.com/datasets/nih-chest-xrays/data"
NIH_PAGE = "https://nihcc.app.box.com/v/ChestXray-NIHCC"

TABLES = ("Data_Entry_2017*.csv", "BBox_List_2017.csv", "train_val_list.txt", "test_list.txt")

LIMITS = ZipLimits(entries=250_000, size=100 * 10**9)
"""Twice the number and twice the bytes of the films."""


def _belongs(path: PurePosixPath) -> bool:
    return path.suffix == ".png" or (len(path.parts) == 1 and any(map(path.match, TABLES)))


_FILES = SetFiles(TABLES[0], _belongs, LIMITS)

DOWNLOAD = Download(
    "films of the NIH, ChestX-ray14, 45 GB",
    partial(download_dataset, HANDLE, PAGE),
    _FILES.open_folder,
    _FILES.open_archive,
    steps=(
        f"no account is needed; the NIH asks for a link to {NIH_PAGE} and a citation",
        f"by hand: download the 12 archives of images and the tables from {NIH_PAGE}, unpack all into one "
        "folder, and give it as --data",
    ),
)
"""Download from Kaggle: the NIH's own page does not allow downloads by a program."""
