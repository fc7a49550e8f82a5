"""Search for the folder of the Kermany films: train and test, each with NORMAL and PNEUMONIA."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pneumo_tf.data.datasets.download import Files
from pneumo_tf.data.datasets.scan import (
    Listing,
    Omission,
    count_left_out,
    describe_left_out,
    join,
    levels,
    other_kind,
    scan,
)
from pneumo_tf.data.films import CLASSES
from pneumo_tf.data.formats.registry import EXTENSIONS
from pneumo_tf.errors import UserError
from pneumo_tf.printable import make_printable

SPLITS = {"train": "train", "val": "train", "test": "test"}
"""The split of the films in a split folder, by the folder's name."""

NEEDED = ("train", "test")
"""Split folders that the set must have, each with every class."""

MAX_DEPTH = 4
"""Levels below the given folder that are searched for the set; kagglehub puts it four levels down."""

MOST_SEARCHED = 200_000
"""Files and folders that a search lists at most."""

_EXPECTED = "it needs train and test (val may be missing), each with NORMAL and PNEUMONIA"


class FoundRoot(NamedTuple):
    """The folder that holds `train` and `test`.

    Args:
        path: The folder.
        listing: What lies in it.
        omissions: Files and folders that the search left out, with paths under the folder where it began.
    """

    path: Path
    listing: Listing
    omissions: tuple[Omission, ...]


class FoundFilms(NamedTuple):
    """The films of a set.

    Args:
        root: Folder that the ids are relative to.
        ids: POSIX paths of the films, sorted.
        omissions: Other files and folders, which are left out.
    """

    root: Path
    ids: tuple[str, ...]
    omissions: tuple[Omission, ...]


def find_films(path: Path) -> FoundFilms:
    """List the films of the set in a folder, without opening one.

    Args:
        path: The folder with `train` and `test`, or one that contains it up to `MAX_DEPTH` levels down.

    Raises:
        UserError: If it contains no set or several, or the set lacks films of a class.
    """
    root = find_root(path)
    splits = [name for name in root.listing.folders if name.lower() in SPLITS]
    others = [name for name in root.listing.folders if name not in splits]
    found = scan(root.path, folders=splits)
    reasons = {place: _other_than_film(place) for place in found.files}
    ids = tuple(place for place, reason in reasons.items() if reason is None)
    beside = (Omission(name, "folder", "beside train and test") for name in others)
    omissions = (*root.omissions, *found.omissions, *filter(None, reasons.values()), *beside)
    _check_classes(root.path, ids, omissions)
    return FoundFilms(root.path, ids, omissions)


def find_root(path: Path) -> FoundRoot:
    """Find the folder with `train` and `test`: the given one, or the only one on the first level with any.

    Raises:
        UserError: If there is none, or more than one at the same level.
    """
    if not os.path.isdir(path):
        raise UserError(f"there is no folder {path}; `python -m benchmarks.fetch kermany` fetches the films")
    omissions, partial_set = [], ""
    for level, below in pairwise(levels(path, MAX_DEPTH + 1, MOST_SEARCHED)):
        inside = {listing.path: listing for listing in below}
        roots = [listing for listing in level if not _missing(listing, inside)]
        omissions += [one for listing in level if listing not in roots for one in listing.omissions]
        if len(roots) > 1:
            several = ", ".join(str(path / listing.path) for listing in roots)
            raise UserError(f"{path} contains several sets: {several}; give the path of one")
        if roots:
            return FoundRoot(path / roots[0].path, roots[0], tuple(omissions))
        partial_set = partial_set or _describe_partial(path, level, inside)
    if partial_set:
        raise UserError(f"{partial_set}; {_EXPECTED}")
    if path.name.lower() in SPLITS or path.name.lower() in CLASSES:
        raise UserError(f"{path} is a part of the set; give the folder that holds train and test")
    raise UserError(f"{path} has no train and test folders; {_EXPECTED}")


def open_folder(path: Path) -> Files:
    """Return the films of a folder by their path in the set: `train/NORMAL/IM-0115-0001.jpeg`."""
    found = find_films(path)
    files = {}
    for film_id in found.ids:
        split, label, name = film_id.split("/")
        files[f"{split.lower()}/{label.upper()}/{name}"] = partial((found.root / film_id).open, "rb")
    return files


def _missing(listing: Listing, inside: Mapping[str, Listing]) -> list[str]:
    """List the required folders that are missing."""
    missing = []
    for split in NEEDED:
        found = [inside[join(listing.path, name)] for name in listing.folders if name.lower() == split]
        classes = {name.lower() for folder in found for name in folder.folders}
        missing += (
            [f"{split}/{label.upper()}" for label in CLASSES if label not in classes] if found else [split]
        )
    return missing


def _describe_partial(path: Path, level: Sequence[Listing], inside: Mapping[str, Listing]) -> str:
    """Describe the first incomplete set of a level, `""` if there is none."""
    for listing in level:
        splits = [name for name in listing.folders if name.lower() in NEEDED]
        if splits:
            faults = [fault for name in splits for fault in inside[join(listing.path, name)].omissions]
            lack = f"{path / listing.path} has no {' and no '.join(_missing(listing, inside))} folder"
            return f"{lack}{_in_brackets(faults)}"
    return ""


def _other_than_film(place: str) -> Omission | None:
    """Return why a file in the folder is not a film of the set, None if it is one."""
    *folders, name = place.split("/")
    if not folders:
        return Omission(place, "file", "beside train and test")
    between = folders[1:]
    if not between:
        return Omission(place, "file", "beside the class folders")
    if between[0].lower() not in CLASSES:
        folder = make_printable(between[0])
        return Omission(place, "file", f"in the folder {folder}, which needs --classes")
    if len(between) > 1:
        return Omission(place, "file", "in a subfolder of a class")
    return None if name.lower().endswith(EXTENSIONS) else other_kind(place)


def _check_classes(root: Path, ids: Iterable[str], omissions: Sequence[Omission]) -> None:
    """Refuse a set without films in a class, and name the files that are there instead."""
    found = {tuple(film_id.lower().split("/")[:2]) for film_id in ids}
    for split in NEEDED:
        for label in CLASSES:
            if (split, label) not in found:
                lack = f"{root / split / label.upper()} has no film of a known format"
                raise UserError(f"{lack}{_in_brackets(omissions) or '; fetch the set again'}")


def _in_brackets(omissions: Iterable[Omission]) -> str:
    described = describe_left_out(count_left_out(omissions)).rstrip(".")
    return f" ({described[0].lower()}{described[1:]})" if described else ""
