"""Downloaded zip files, checked for harmful entries before any entry is read."""

import contextlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pneumo_tf.data.datasets.download import Files
from pneumo_tf.errors import UserError

MAX_RATIO = 100
"""Films hardly compress: an entry that unpacks to 100 times its size was made to fill the disk."""


@dataclass(frozen=True)
class ZipLimits:
    """Upper limits for the zip of a dataset.

    Args:
        entries: Number of files and folders.
        size: Bytes of all files, unpacked.
    """

    entries: int
    size: int


@contextlib.contextmanager
def open_zip(path: Path, limits: ZipLimits) -> Iterator[Files]:
    """Open the files in a zip; nothing is unpacked.

    Args:
        path: The zip.
        limits: Limits for a zip of the expected dataset.

    Yields:
        The files by their path in the zip, with slashes; folders are not listed.

    Raises:
        UserError: If there is no such file, it is damaged, or it could do harm: by paths outside the folder,
            links, two files with the same path, or more entries or bytes than the dataset can have. A damaged
            entry raises when it is read.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_harm(path, entries, limits)
            yield {place: partial(archive.open, entry) for place, entry in _by_place(path, entries).items()}
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise UserError(f"{path} cannot be read as a zip ({error}); download it again") from error
    except NotImplementedError as error:
        raise UserError(f"{path} cannot be unpacked here ({error}); unpack it and use the folder") from error


def _by_place(path: Path, entries: Sequence[zipfile.ZipInfo]) -> Mapping[str, zipfile.ZipInfo]:
    places: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        place = "/".join(part for part in _path(entry).split("/") if part != ".")
        if entry.is_dir() or place.endswith("/"):
            continue
        if place in places:
            raise UserError(f"{path} is refused: it holds {place} twice; download it from its source")
        places[place] = entry
    return places


def _refuse_harm(path: Path, entries: Sequence[zipfile.ZipInfo], limits: ZipLimits) -> None:
    if len(entries) > limits.entries:
        raise UserError(f"{path} is not the set: it holds {len(entries):,} entries, over {limits.entries:,}")
    total = sum(entry.file_size for entry in entries)
    if total > limits.size:
        raise UserError(
            f"{path} is not the set: it unpacks to {total / 1e9:,.1f} GB, over {limits.size / 1e9:g}"
        )
    for entry in entries:
        if reason := _harm(entry):
            raise UserError(f"{path} is refused: {entry.filename!r} {reason}; download it from its source")


def _harm(entry: zipfile.ZipInfo) -> str:
    name = _path(entry)
    if name.startswith("/") or ":" in name or ".." in name.split("/"):
        return "would be written outside the folder"
    # The upper 16 bits are the file mode if the zip was made on Unix, and 0 otherwise.
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & 1:
        return "is encrypted"
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"unpacks to more than {MAX_RATIO} times its size"
    return ""


def _path(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/")
