"""Image files: headers and digests, with an index on disk, and original sizes of resized films."""

import contextlib
import csv
import hashlib
import io
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from pneumo_tf.atomic import write_atomically
from pneumo_tf.data.formats import registry as formats
from pneumo_tf.errors import UserError

INDEX_VERSION = 4
"""Version of the index; increase it if its content changes: older ones are then ignored."""

READERS = 8
"""Threads that read files; more than usual CPU cores, because reading waits for the disk."""

BROKEN_SHOWN = 3
"""Unreadable files that an error message lists; the others are counted."""

MOST_BYTES = 512 * 2**20
"""Bytes of a file at most; a film of 5,000 × 5,000 pixels of 16 bits has 50 million."""


class Header(NamedTuple):
    """Header of an image file, read before any pixel is decoded.

    Args:
        width: Pixels, as the image is displayed.
        height: Pixels, as the image is displayed.
        digest: BLAKE2b of the file's bytes, 16 hex digits.
        bits: As in `ImageHeader`.
        notes: As in `ImageHeader`.
        fields: As in `ImageHeader`.
        depth_stated: As in `ImageHeader`.
    """

    width: int
    height: int
    digest: str
    bits: int = 8
    notes: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}
    depth_stated: bool = True


def read_headers(
    root: Path,
    paths: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Header]:
    """Read the header of every file, or take it from the index if the file has not changed.

    Films that other calls listed, such as those of another task or of another table, stay in the index.

    Args:
        root: Folder that the paths are relative to.
        paths: POSIX paths of the images.
        cache: Folder of the index, which is written if possible; None to read every file.
        progress: Called with the files read so far and the files that have to be read.

    Returns:
        One header per path, in the order given.

    Raises:
        UserError: If files are empty, damaged in their header, of another format, or cannot be read.
    """
    index = None if cache is None else cache / _index_name(root)
    known = {} if index is None else _read_index(index)
    stamps = {path: _stamp(root, path) for path in paths}
    changed = [path for path in paths if known.get(path, ())[:2] != stamps[path]]
    fresh = _read_all(root, changed, progress)
    broken = [(path, value) for path, value in fresh.items() if isinstance(value, str)]
    if broken:
        raise UserError(describe_broken(root, broken, len(paths)))
    entries = known | {path: [*stamps[path], *header] for path, header in fresh.items()}
    if index is not None and fresh:
        _write_index(root, index, entries)
    return [_header(entries[path][2:]) for path in paths]


def read_sizes(path: Path) -> dict[str, tuple[int, int]]:
    """Read a CSV of `path,width,height`: sizes in pixels of films before they were resized.

    Returns:
        Width and height by path in lower case, because folders can be `NORMAL` or `normal`.

    Raises:
        UserError: If it cannot be read, or a line is invalid.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not CSV text in UTF-8") from error
    sizes = {}
    try:
        for row in reader:
            width, height = int(row["width"]), int(row["height"])
            if width < 1 or height < 1:
                raise ValueError
            sizes[row["path"].replace("\\", "/").lower()] = width, height
    except (KeyError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise UserError(
            f"{path}, line {reader.line_num}: the columns must be path,width,height, in pixels above 0"
        ) from error
    return sizes


def join_sizes(path: Path, ids: Sequence[str]) -> list[tuple[int, int]]:
    """Return the sizes of films before they were resized.

    Args:
        path: CSV, as in `read_sizes`.
        ids: Film ids, in upper or lower case.

    Returns:
        Width and height in pixels of each film, in the order of the ids.

    Raises:
        UserError: If the CSV cannot be read or lacks a film.
    """
    sizes = read_sizes(path)
    lacking = [film_id for film_id in ids if film_id.lower() not in sizes]
    if lacking:
        raise UserError(
            f"{path} lacks {len(lacking):,} of {len(ids):,} films, such as {lacking[0]}; "
            "add them, or leave out --sizes"
        )
    return [sizes[film_id.lower()] for film_id in ids]


def describe_broken(root: Path, broken: Sequence[tuple[str, str]], total: int) -> str:
    """Describe films that cannot be read, the first few by name.

    Args:
        root: Folder of the dataset.
        broken: Film ids, each with the reason.
        total: Number of all films.
    """
    named = ", ".join(f"{path} ({reason})" for path, reason in broken[:BROKEN_SHOWN])
    rest = f" and {len(broken) - BROKEN_SHOWN:,} more" if len(broken) > BROKEN_SHOWN else ""
    return (
        f"{len(broken):,} of {total:,} films in {root} cannot be read: {named}{rest}; "
        "fetch the set again, or delete these files"
    )


def read_content(path: Path | str) -> bytes:
    """Read a file whole.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is a pipe or a device, or too large to be a film.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    if status.st_size > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES // 2**20} MB")
    with open(path, "rb") as file:
        return file.read()


def describe_content(content: bytes) -> Header:
    """Return the header of an image file with the digest of its bytes.

    Raises:
        ValueError: With the reason if it cannot be decoded.
    """
    read = formats.read_header(content)
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return Header(read.width, read.height, digest, read.bits, read.notes, read.fields, read.depth_stated)


def try_header(path: str) -> Header | str:
    """Return the header of a file, or the reason why it cannot be read, so that all such files are found."""
    try:
        return describe_content(read_content(path))
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)


def _read_all(
    root: Path, paths: Sequence[str], progress: Callable[[int, int], None] | None
) -> dict[str, Header | str]:
    headers = {}
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(try_header, (f"{root}/{path}" for path in paths))
        for done, (path, header) in enumerate(zip(paths, found, strict=True), start=1):
            headers[path] = header
            if progress is not None:
                progress(done, len(paths))
    return headers


def _header(stored: Sequence[Any]) -> Header:
    """Return the header of an entry of the index."""
    header = Header(*stored)
    return header._replace(notes=tuple(header.notes))


def _index_name(root: Path) -> str:
    place = hashlib.blake2b(os.fsencode(root.resolve()), digest_size=6).hexdigest()
    return f"headers-{place}.json"


def _stamp(root: Path, path: str) -> list[int]:
    try:
        status = os.stat(f"{root}/{path}")
    except OSError:  # A broken link: reading it reports the reason.
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]


def _read_index(path: Path) -> dict[str, list[Any]]:
    """Read entries by path: size in bytes, time of the last change in ns, and the fields of `Header`."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["version"] == INDEX_VERSION:
            return {
                name: entry
                for name, entry in content["films"].items()
                if len(entry) == 2 + len(Header._fields)
            }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass  # The index only saves time, so a damaged one is written again.
    return {}


def _write_index(root: Path, index: Path, entries: dict[str, list[Any]]) -> None:
    """Write the entries of files that still exist, including those that this start does not list."""
    films = {path: entry for path, entry in entries.items() if os.path.exists(f"{root}/{path}")}
    # Without an index only the next start takes longer.
    with contextlib.suppress(UserError, OSError):
        write_atomically(index, json.dumps({"version": INDEX_VERSION, "films": films}))
