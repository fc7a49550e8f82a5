"""Search of a folder for films, within limits, with a count of the files that are left out."""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pneumo_tf.errors import UserError
from pneumo_tf.printable import make_printable

MOST_ENTRIES = 1_000_000
"""Files and folders that a scan lists; the largest public sets of chest films have 400,000."""

MAX_LEVELS = 8
"""Levels of subfolders that are searched."""

SYSTEM_FILES = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini"})
"""Files and folders that operating systems create, in lower case, besides names that begin with a dot."""

REASONS_SHOWN = 6
"""Reasons that a sentence on files left out lists; the others are counted."""

NOT_READABLE = "without permission to read"
LISTED_BEFORE = "listed before under another name"
TOO_DEEP = "too many levels down"
ODD_NAME = "with a name that is not UTF-8 or has control characters"

KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
"""Names of things that are neither files nor folders, and are never opened."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Omission(NamedTuple):
    """A file or folder that is left out.

    Args:
        path: POSIX path under the folder that is scanned.
        noun: Kind of thing, such as `"file"`.
        reason: Reason, as a phrase after the noun, such as `"with the extension .tif"`.
    """

    path: str
    noun: str
    reason: str


class LeftOut(NamedTuple):
    """Files or folders that are left out for one reason.

    Args:
        noun: Kind of thing, as in `Omission`.
        reason: Reason, as in `Omission`.
        count: Number of files or folders.
        example: Path of the first, printable.
    """

    noun: str
    reason: str
    count: int
    example: str


class Listing(NamedTuple):
    """The content of one folder.

    Args:
        path: POSIX path under the folder where the search begins; `""` for that folder.
        folders: Names of the folders in it, those behind links last.
        files: Names of the files in it, those behind links last.
        omissions: Files and folders in it that are left out.
    """

    path: str
    folders: tuple[str, ...]
    files: tuple[str, ...]
    omissions: tuple[Omission, ...]


@dataclass(frozen=True)
class Scan:
    """The files of a folder and its subfolders.

    Args:
        files: POSIX paths under the folder, sorted: regular files, links to them, and broken links, for which
            reading reports the reason.
        omissions: Files and folders that are left out.
    """

    files: tuple[str, ...]
    omissions: tuple[Omission, ...]


def scan(root: Path, deepest: int = MAX_LEVELS, folders: Collection[str] | None = None) -> Scan:
    """List the files of a folder and its subfolders, without opening one.

    Pipes, sockets, devices, folders without read permission, folders reached a second time by a link, and
    names with invalid or control characters are left out and counted. Files that operating systems create are
    left out without being counted.

    Args:
        root: The folder; a link to one is followed.
        deepest: Levels of subfolders that are searched.
        folders: Names of the subfolders that are searched; by default all.

    Raises:
        UserError: If the folder cannot be read, or has more than `MOST_ENTRIES` files and folders.
    """
    found = list(levels(root, deepest, folders=folders))
    listings = list(chain.from_iterable(found))
    files = sorted(join(listing.path, name) for listing in listings for name in listing.files)
    omissions = list(chain.from_iterable(listing.omissions for listing in listings))
    if len(found) > deepest:
        omissions += [Omission(path, "folder", TOO_DEEP) for path in _folders(found[-1])]
    return Scan(tuple(files), tuple(omissions))


def levels(
    root: Path, deepest: int = MAX_LEVELS, most: int = MOST_ENTRIES, folders: Collection[str] | None = None
) -> Iterator[tuple[Listing, ...]]:
    """List a folder, then its subfolders level by level; a level is read only when it is needed.

    Args:
        root: The folder; a link to one is followed.
        deepest: Levels of subfolders that are searched.
        most: Limit on the number of files and folders.
        folders: Names of the subfolders of the first folder that are searched; by default all.

    Raises:
        UserError: If the folder cannot be read, or has more than `most` files and folders.
    """
    budget, seen, paths = most, set(), ("",)
    for depth in range(deepest + 1):
        level = []
        for path in paths:
            listing, entries = _list_folder(root, path, budget, seen)
            budget -= entries
            if budget < 0:
                raise UserError(
                    f"{root} has more than {most:,} files and folders; give the folder of the films"
                )
            level.append(listing)
        yield tuple(level)
        paths = _folders(level)
        if depth == 0 and folders is not None:
            paths = tuple(path for path in paths if path in folders)
        if not paths:
            return


def join(path: str, name: str) -> str:
    """Return the POSIX path of a name in a folder; the folder where the search begins has the path `""`."""
    return f"{path}/{name}" if path else name


def is_system_file(name: str) -> bool:
    """Return whether an operating system created a file or folder: `.DS_Store`, `._film.jpeg`, `__MACOSX`."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def other_kind(path: str) -> Omission:
    """Return the omission of a file whose extension is not that of a film."""
    extension = make_printable(PurePosixPath(path).suffix.lower())
    return Omission(path, "file", f"with the extension {extension}" if extension else "without an extension")


def count_left_out(omissions: Iterable[Omission]) -> tuple[LeftOut, ...]:
    """Count omissions by reason, the most frequent first."""
    paths: dict[tuple[str, str], list[str]] = {}
    for path, noun, reason in omissions:
        paths.setdefault((noun, reason), []).append(path)
    counts = [LeftOut(*kind, len(found), make_printable(min(found))) for kind, found in paths.items()]
    return tuple(sorted(counts, key=lambda one: (-one.count, one.noun, one.reason)))


def describe_left_out(left_out: Sequence[LeftOut]) -> str:
    """Describe the files and folders left out in one sentence, `""` if there are none.

    Example:
        >>> describe_left_out([LeftOut("file", "with the extension .tif", 12, "train/NORMAL/a.tif")])
        'Left out: 12 files with the extension .tif (such as train/NORMAL/a.tif).'
    """
    parts = [_describe(one) for one in left_out[:REASONS_SHOWN]]
    if rest := sum(one.count for one in left_out[REASONS_SHOWN:]):
        parts.append(f"{rest:,} for other reasons")
    return f"Left out: {', '.join(parts)}." if parts else ""


def _describe(one: LeftOut) -> str:
    what = f"{one.count:,} {one.noun if one.count == 1 else one.noun + 's'} {one.reason}".rstrip()
    return f"{what} ({one.example})" if one.count == 1 else f"{what} (such as {one.example})"


def _folders(level: Sequence[Listing]) -> tuple[str, ...]:
    return tuple(join(listing.path, name) for listing in level for name in listing.folders)


def _list_folder(root: Path, path: str, most: int, seen: set[tuple[int, int]]) -> tuple[Listing, int]:
    """List a folder, but no folder twice; also return the number of entries, at most one more than `most`."""
    folder = root / path
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return Listing(path, (), (), (Omission(path, "folder", LISTED_BEFORE),)), 0
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as scanned:
            entries = list(islice(scanned, most + 1))
    except OSError as error:
        if not path:
            raise UserError(f"cannot read {root}: {error.strerror}; change its permissions") from error
        return Listing(path, (), (), (Omission(path, "folder", NOT_READABLE),)), 0
    # Links come last: a folder that is listed already is left out under the name of its link.
    entries.sort(key=lambda entry: (entry.is_symlink(), entry.name))
    return _sort_entries(path, entries), len(entries)


def _sort_entries(path: str, entries: Iterable[os.DirEntry]) -> Listing:
    """Divide the entries of a folder into folders, files and entries that are left out."""
    folders, files, omissions = [], [], []
    for entry in entries:
        if is_system_file(entry.name):
            continue
        kind = _kind(entry)
        if kind not in ("file", "folder"):
            omissions.append(Omission(join(path, entry.name), kind, ""))
        elif _CONTROL.search(entry.name):
            omissions.append(Omission(join(path, entry.name), kind, ODD_NAME))
        else:
            (folders if kind == "folder" else files).append(entry.name)
    return Listing(path, tuple(folders), tuple(files), tuple(omissions))


def _kind(entry: os.DirEntry) -> str:
    try:
        if entry.is_dir():
            return "folder"
        if not entry.is_file():
            return KINDS.get(stat.S_IFMT(entry.stat().st_mode), "device")
    except OSError:
        pass  # A broken link, or no permission: reading the file reports the reason.
    return "file"
