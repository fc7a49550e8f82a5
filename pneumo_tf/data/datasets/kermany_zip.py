"""A zip of the Kermany set, checked for harmful entries before it is read."""

import contextlib
import lzma
import stat
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pneumo_tf.data.datasets.dataset_source import Files
from pneumo_tf.data.datasets.kermany_folder import EXTENSIONS, SPLITS
from pneumo_tf.data.datasets.scan import is_litter
from pneumo_tf.data.films import CLASSES
from pneumo_tf.errors import UserError

MAX_ENTRIES = 20_000
"""Three times the number of films: Kaggle's zip has a second copy of each, and a stub that macOS added."""

MAX_BYTES = 6 * 10**9
"""Unpacked. The films have 1.2 GB, twice that with Kaggle's second copy."""

MAX_RATIO = 100
"""JPEG does not compress: an entry that unpacks to 100 times its size is made to fill the disk."""


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Files]:
    """Open the films in a zip, each of them once; nothing is unpacked.

    Args:
        path: Zip from Kaggle or from Mendeley Data, or one of a folder of the set.

    Yields:
        The films by path, with split folders in lower case and class folders in upper case.

    Raises:
        UserError: If there is no such file, it is damaged, holds no complete set, or could do harm: by
            paths that leave the folder, links, or more entries or bytes than the set can have.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_harm(path, entries)
            yield {place: partial(archive.open, entry) for place, entry in _films(path, entries).items()}
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise UserError(f"{path} cannot be read as a zip ({error}); download it again") from error
    except NotImplementedError as error:
        raise UserError(f"{path} cannot be unpacked here ({error}); unpack it and use the folder") from error


def _refuse_harm(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise UserError(f"{path} is not the set: it holds {len(entries):,} entries, over {MAX_ENTRIES:,}")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_BYTES:
        raise UserError(
            f"{path} is not the set: it unpacks to {total / 1e9:,.1f} GB, over {MAX_BYTES / 1e9:g}"
        )
    for entry in entries:
        if reason := _harm(entry):
            raise UserError(f"{path} is refused: {entry.filename!r} {reason}; download it from its source")


def _harm(entry: zipfile.ZipInfo) -> str:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ":" in name or ".." in name.split("/"):
        return "would be written outside the folder"
    # The upper half of the attributes is the mode where a Unix system made the zip, else 0.
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & 1:
        return "is encrypted"
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"unpacks to more than {MAX_RATIO} times its size"
    return ""


def _films(path: Path, entries: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Select the films of the complete set that lies least deep: Kaggle's zip has a second copy below."""
    sets: dict[tuple[str, ...], dict[str, zipfile.ZipInfo]] = defaultdict(dict)
    for entry in entries:
        parts = [part for part in entry.filename.replace("\\", "/").split("/") if part != "."]
        if len(parts) < 3 or any(map(is_litter, parts)):
            continue
        *folder, split, label, name = parts
        if split.lower() in SPLITS and label.lower() in CLASSES and name.lower().endswith(EXTENSIONS):
            place = f"{split.lower()}/{label.upper()}/{name}"
            if place in sets[tuple(folder)]:
                raise UserError(f"{path} is refused: it holds {place} twice; download it from its source")
            sets[tuple(folder)][place] = entry
    needed = {(split, label.upper()) for split in ("train", "test") for label in CLASSES}
    complete = [
        folder for folder, films in sets.items() if needed <= {_class_folder(place) for place in films}
    ]
    if not complete:
        raise UserError(f"{path} is not the set: it lacks films in train or test, NORMAL or PNEUMONIA")
    return sets[min(complete, key=lambda folder: (len(folder), folder))]


def _class_folder(place: str) -> tuple[str, str]:
    split, label, _ = place.split("/")
    return split, label
