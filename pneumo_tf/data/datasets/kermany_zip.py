"""The films in a zip of the Kermany set, without the second copy that Kaggle's zip has."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from pneumo_tf.data.datasets.checked_zip import ZipLimits, open_zip
from pneumo_tf.data.datasets.download import ArchivedSet, Files
from pneumo_tf.data.datasets.kermany_folder import SPLITS
from pneumo_tf.data.datasets.scan import Omission, count_left_out, is_system_file, other_kind
from pneumo_tf.data.films import CLASSES
from pneumo_tf.data.formats.registry import EXTENSIONS
from pneumo_tf.errors import UserError

LIMITS = ZipLimits(entries=20_000, size=6 * 10**9)
"""Kaggle's zip has two copies of each film, each with a stub added by macOS; the films are 1.2 GB."""


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[ArchivedSet]:
    """Open the films in a zip, without duplicates; nothing is unpacked.

    Args:
        path: Zip from Kaggle or from Mendeley Data, or one of a folder of the set.

    Yields:
        The films by path, with split folders in lower case and class folders in upper case; and what else
        there is.

    Raises:
        UserError: If the zip is refused (`open_zip`) or has no complete set.
    """
    with open_zip(path, LIMITS) as files:
        folder, films = _films(path, files)
        yield ArchivedSet(films, count_left_out(_omissions(files, folder, films)))


def _films(path: Path, files: Files) -> tuple[tuple[str, ...], Files]:
    """Select the complete set that is highest in the tree: Kaggle's zip has a second copy further down.

    Returns:
        The folder of the set, and its films.
    """
    sets: dict[tuple[str, ...], Files] = defaultdict(dict)
    for name, file in files.items():
        parts = name.split("/")
        if len(parts) < 3 or any(map(is_system_file, parts)):
            continue
        *folder, split, label, name = parts
        if split.lower() in SPLITS and label.lower() in CLASSES and name.lower().endswith(EXTENSIONS):
            place = _place(parts)
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
    chosen = min(complete, key=len)
    return chosen, sets[chosen]


def _omissions(files: Files, folder: tuple[str, ...], films: Files) -> Iterator[Omission]:
    for name in files:
        parts = name.split("/")
        if any(map(is_system_file, parts)):
            continue
        place = _place(parts)
        if not name.lower().endswith(EXTENSIONS):
            yield other_kind(name)
        elif place not in films:
            yield Omission(name, "film", "in no class folder of train, val or test")
        elif tuple(parts[:-3]) != folder:
            yield Omission(name, "film", "in a second copy of the set")


def _place(parts: Sequence[str]) -> str:
    """Return the path that a film gets, `""` if a path is too short for one."""
    if len(parts) < 3:
        return ""
    split, label, name = parts[-3:]
    return f"{split.lower()}/{label.upper()}/{name}"


def _class_folder(place: str) -> tuple[str, str]:
    split, label, _ = place.split("/")
    return split, label
