"""Download of the RSNA Pneumonia Detection Challenge from Kaggle, whose rules have to be accepted there."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.checked_zip import ZipLimits, open_zip
from pneumo_tf.data.datasets.dataset_source import Download, Files
from pneumo_tf.data.datasets.kaggle import download_competition
from pneumo_tf.data.datasets.rsna_tables import CLASSES, LABELS, MAPPING
from pneumo_tf.data.datasets.set_files import open_files, select_set

NAME = "rsna-pneumonia-detection-challenge"
PAGE = f"https://www.kaggle.com/competitions/{NAME}"

MAPPING_PAGE = f"https://s3.amazonaws.com/east1.public.rsna.org/AI/2018/{MAPPING}.json"

LIMITS = ZipLimits(entries=60_000, size=12 * 10**9)
"""Twice the number of films with those of the challenge's test; three times their bytes."""


def open_folder(path: Path) -> Files:
    """Return the films and tables of a folder, as `Download` describes."""
    return _select(open_files(path), path)


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Files]:
    """Open the films and tables in a zip, as `Download` describes.

    Raises:
        UserError: If the zip is refused (`open_zip`) or holds no table of labels.
    """
    with open_zip(path, LIMITS) as files:
        yield _select(files, path)


def _select(files: Files, where: Path) -> Files:
    return select_set(files, LABELS, _belongs, where)


def _belongs(path: PurePosixPath) -> bool:
    if len(path.parts) == 1:
        return path.name in (LABELS, CLASSES, f"{MAPPING}.json", f"{MAPPING}.csv")
    return path.parts[:-1] == ("stage_2_train_images",) and path.suffix == ".dcm"


DOWNLOAD = Download(
    "adult films of the RSNA Pneumonia Detection Challenge 2018, 3.7 GB",
    partial(download_competition, NAME, PAGE),
    open_folder,
    open_archive,
    steps=(
        f"a Kaggle account is needed; log in, open {PAGE}/rules and accept them",
        f"to know the patients, download {MAPPING_PAGE} and put it next to {LABELS}",
    ),
)
"""From Kaggle: RSNA's own download has other names and no CSV of labels."""
