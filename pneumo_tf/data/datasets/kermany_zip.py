"""The films in a zip of the Kermany set, without the second copy that Kaggle's zip has."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pneumo_tf.data.datasets.checked_zip import ZipLimits, open_zip
from pneumo_tf.data.datasets.dataset_source import Files
from pneumo_tf.data.datasets.kermany_folder import SPLITS
from pneumo_tf.data.datasets.scan import is_system_file
from pneumo_tf.data.films import CLASSES
from pneumo_tf.data.formats.registry import EXTENSIONS
from pneumo_tf.errors import UserError

LIMITS = ZipLimits(entries=20_000, size=6 * 10**9)
"""Kaggle's zip has two copies of each film, each with a stub added by macOS; the films are 1.2 GB."""


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Files]:
    """Open the films in a zip, without duplicates; nothing is unpacked.

    Args:
        path: Zip from Kaggle or from Mendeley Data, or one of a folder of the set.

    Yields:
        The films by path, with split folders in lower case and class folders in upper case.

    Raises:
        UserError: If the zip is refused (`open_zip`) or has no complete set.
    """
    with open_zip(path, LIMITS) as files:
        yield _films(path, files)


def _films(path: Path, files: Files) -> Files:
    """Select the complete set that is highest in the tree: Kaggle's zip has a second copy further down."""
    sets: dict[tuple[str, ...], Files] = defaultdict(dict)
    for name, file in files.items():
        parts = name.split("/")
        if len(parts) < 3 or any(map(is_system_file, parts)):
            continue
        *folder, split, label, name = parts
        if split.lower() in SPLITS and label.lower() in CLASSES and name.lower().endswith(EXTENSIONS):
            place = f"{split.lower()}/{label.upper()}/{name}"
            if place in sets[tuple(folder)]:
                raise UserError(f"{path} is refused: it holds {place} twice; download it from its source")
            sets[tuple(folder)][place] = file
    needed = {(split, label.upper()) for split in ("train", "test") for label in CLASSES}
    complete = [
        folder for folder, films in sets.items() if needed <= {_class_folder(place) for place in films}
    ]
    if not complete:
        raise UserError(f"{path} is not the set: it lacks films in train or test, NORMAL or PNEUMONIA")
    highest = min(map(len, complete))
    names = sorted("/".join(folder) for folder in complete if len(folder) == highest)
    if len(names) > 1:
        raise UserError(f"{path} contains several sets: {', '.join(names)}; unpack one of them and use it")
    return sets[min(complete, key=len)]


def _class_folder(place: str) -> tuple[str, str]:
    split, label, _ = place.split("/")
    return split, label
