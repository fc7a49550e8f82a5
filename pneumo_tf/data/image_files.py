"""Size and digest of image files without decoding them, remembered from one start to the next."""

import contextlib
import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError

INDEX_VERSION = 1
"""Raised by the commit that changes what an index holds: older ones are then read as empty."""

READERS = 8
"""Threads that read files: reading waits for the disk, so more than the cores there are."""

NAMED = 3
"""Broken files that an error names before it counts the rest."""


class Header(NamedTuple):
    """What a file says of its image before any pixel is decoded.

    Args:
        width: Pixels, as stored: an orientation tag is not applied.
        height: Pixels, as stored.
        digest: BLAKE2b of the file's bytes, 16 hex digits.
    """

    width: int
    height: int
    digest: str


def read_headers(
    root: Path,
    paths: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Header]:
    """Reads the header of every file, or takes it from the index where the file has not changed.

    Args:
        root: Folder that the paths are relative to.
        paths: POSIX paths of the images.
        cache: Folder of the index, written where it can be; None reads every file.
        progress: Called with the files read so far and the files that have to be read.

    Returns:
        One header per path, in the order given.

    Raises:
        UserError: Where files are empty, cut off in their header, no JPEG or PNG, or cannot be read.
    """
    index = None if cache is None else cache / _index_name(root)
    known = {} if index is None else _read_index(index)
    stamps = {path: _stamp(root, path) for path in paths}
    changed = [path for path in paths if known.get(path, ())[:2] != stamps[path]]
    fresh = _read_all(root, changed, progress)
    broken = [(path, value) for path, value in fresh.items() if isinstance(value, str)]
    if broken:
        raise UserError(_describe(root, broken, len(paths)))
    entries = {path: [*stamps[path], *fresh[path]] if path in fresh else known[path] for path in paths}
    if index is not None and entries != known:
        _write_index(index, entries)
    return [Header(*entries[path][2:]) for path in paths]


def image_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a JPEG or PNG file, told by its first bytes whatever its name.

    Raises:
        ValueError: With the reason why there is no size to read.
    """
    if not content:
        raise ValueError("empty")
    if content.startswith(b"\xff\xd8"):
        width, height = _jpeg_size(content)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        if len(content) < 24:
            raise ValueError("cut off")
        width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    else:
        raise ValueError("no JPEG or PNG image")
    if width == 0 or height == 0:
        raise ValueError("no pixels")
    return width, height


def read_sizes(path: Path) -> dict[str, tuple[int, int]]:
    """Reads a CSV of `path,width,height`: the pixels that films had before they were resized.

    Returns:
        Width and height by path, in lower case: folders arrive as `NORMAL` and as `normal`.

    Raises:
        UserError: Where it cannot be read, or a line is not as expected.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no CSV text in UTF-8") from error
    sizes = {}
    try:
        for row in reader:
            width, height = int(row["width"]), int(row["height"])
            if width < 1 or height < 1:
                raise ValueError
            sizes[row["path"].replace("\\", "/").lower()] = width, height
    except (KeyError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise UserError(
            f"{path}, line {reader.line_num}: expected are the columns path,width,height, in pixels above 0"
        ) from error
    return sizes


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            raise ValueError("damaged header")
        marker = content[at + 1]
        if marker == 0xFF:  # Markers may be padded by any number of these.
            at += 1
            continue
        # C4, C8 and CC lie among the start-of-frame markers and are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = int.from_bytes(content[at + 5 : at + 7]), int.from_bytes(content[at + 7 : at + 9])
            return width, height
        if marker in (0xD9, 0xDA):
            raise ValueError("damaged header")
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    raise ValueError("cut off")


def _read_header(path: str) -> Header | str:
    """The header of a file, or why it has none: one bad file must not hide the others."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        width, height = image_size(content)
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    return Header(width, height, hashlib.blake2b(content, digest_size=8).hexdigest())


def _read_all(
    root: Path, paths: Sequence[str], progress: Callable[[int, int], None] | None
) -> dict[str, Header | str]:
    headers = {}
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(_read_header, (f"{root}/{path}" for path in paths))
        for done, (path, header) in enumerate(zip(paths, found, strict=True), start=1):
            headers[path] = header
            if progress is not None:
                progress(done, len(paths))
    return headers


def _describe(root: Path, broken: Sequence[tuple[str, str]], total: int) -> str:
    named = ", ".join(f"{path} ({reason})" for path, reason in broken[:NAMED])
    rest = f" and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
    return (
        f"{len(broken):,} of {total:,} films in {root} cannot be read: {named}{rest}; "
        "fetch the set again, or delete these files"
    )


def _index_name(root: Path) -> str:
    place = hashlib.blake2b(str(root.resolve()).encode(), digest_size=6).hexdigest()
    return f"headers-{place}.json"


def _stamp(root: Path, path: str) -> list[int]:
    try:
        status = os.stat(f"{root}/{path}")
    except OSError:  # A dangling link: reading it will say so.
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]


def _read_index(path: Path) -> dict[str, list[Any]]:
    """Entries by path: size in bytes, time of change in ns, width, height, digest."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["version"] == INDEX_VERSION:
            return {name: entry for name, entry in content["films"].items() if len(entry) == 5}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass  # An index saves time and nothing else: a damaged one is made anew.
    return {}


def _write_index(path: Path, entries: dict[str, list[Any]]) -> None:
    # A cache that cannot be written costs time at the next start, not this run.
    with contextlib.suppress(UserError, OSError):
        write_atomically(path, json.dumps({"version": INDEX_VERSION, "films": entries}))
