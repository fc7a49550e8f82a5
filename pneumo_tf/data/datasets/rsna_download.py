"""Download of the RSNA Pneumonia Detection Challenge from Kaggle, whose rules have to be accepted there."""

from functools import partial
from pathlib import PurePosixPath

from pneumo_tf.data.datasets.checked_zip import ZipLimits
from pneumo_tf.data.datasets.download import Download
from pneumo_tf.data.datasets.kaggle import download_competition
from pneumo_tf.data.datasets.rsna_tables import CLASSES, LABELS, MAPPING
from pneumo_tf.data.datasets.set_files import SetFiles

NAME = "rsna-pneumonia-detection-challenge"
PAGE = f"https://www.kaggle.com/competitions/{NAME}"

MAPPING_PAGE = f"https://s3.amazonaws.com/east1.public.rsna.org/AI/2018/{MAPPING}.json"

LIMITS = ZipLimits(entries=60_000, size=12 * 10**9)
"""Twice the number of all films, including unlabelled test films, and three times their bytes."""


def _belongs(path: PurePosixPath) -> bool:
    if len(path.parts) == 1:
        return path.name in (LABELS, CLASSES, f"{MAPPING}.json", f"{MAPPING}.csv")
    return path.parts[:-1] == ("stage_2_train_images",) and path.suffix == ".dcm"


_FILES = SetFiles(LABELS, _belongs, LIMITS)

DOWNLOAD = Download(
    "adult films of the RSNA Pneumonia Detection Challenge 2018, 3.7 GB",
    partial(download_competition, NAME, PAGE),
    _FILES.open_folder,
    _FILES.open_archive,
    steps=(
        f"a Kaggle account is needed; log in, open {PAGE}/rules and accept them",
        f"to identify the patients, download {MAPPING_PAGE} and put it next to {LABELS}",
    ),
)
"""Download from Kaggle: RSNA's own download has other names and no CSV of labels."""
