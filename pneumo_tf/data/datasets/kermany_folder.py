"""The folder of the Kermany films, in any form it arrives: train and test, each with NORMAL and PNEUMONIA."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pneumo_tf.data.datasets.dataset_source import Files
from pneumo_tf.data.films import CLASSES
from pneumo_tf.errors import UserError

SPLITS = {"train": "train", "val": "train", "test": "test"}
"""Split folders, and the split that their films belong to."""

EXTENSIONS = (".jpeg", ".jpg", ".png")


def find_root(path: Path) -> Path:
    """Find the folder that holds `train` and `test`: the one given, or the only one up to two levels down.

    Raises:
        UserError: If there is none, or more than one at the same depth.
    """
    if not path.is_dir():
        raise UserError(f"there is no folder {path}; `python -m benchmarks.fetch kermany` fetches the films")
    level, partial = [path], []
    for _ in range(3):
        roots = [folder for folder in level if not _missing(folder)]
        if len(roots) > 1:
            raise UserError(f"{path} holds several sets: {', '.join(map(str, roots))}; name one of them")
        if roots:
            return roots[0]
        partial += [folder for folder in level if _folders(folder, ("train", "test"))]
        level = [Path(child.path) for folder in level for child in _children(folder) if child.is_dir()]
    if partial:
        raise UserError(f"{partial[0]} has no {' and no '.join(_missing(partial[0]))} folder; {_EXPECTED}")
    if path.name.lower() in SPLITS or path.name.lower() in CLASSES:
        raise UserError(f"{path} is a part of the set; give the folder that holds train and test")
    raise UserError(f"{path} holds no train and test folders; {_EXPECTED}")


_EXPECTED = "expected are train and test (val may be missing), each with NORMAL and PNEUMONIA"


def _children(folder: Path) -> list[os.DirEntry]:
    """List entries in the order of their names, without what operating systems leave behind."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not is_litter(entry.name)]
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}; change its permissions") from error
    return sorted(visible, key=lambda entry: entry.name)


def is_litter(name: str) -> bool:
    """Whether a file or folder is an operating system's: `.DS_Store`, `._film.jpeg`, `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def _folders(parent: Path, names: Sequence[str]) -> list[Path]:
    return [Path(child.path) for child in _children(parent) if child.is_dir() and child.name.lower() in names]


def _missing(root: Path) -> list[str]:
    """List the folders that a set must have and this one has not."""
    missing = []
    for split in ("train", "test"):
        found = _folders(root, (split,))
        classes = {child.name.lower() for folder in found for child in _folders(folder, CLASSES)}
        missing += (
            [f"{split}/{label.upper()}" for label in CLASSES if label not in classes] if found else [split]
        )
    return missing


def film_ids(root: Path) -> Iterator[str]:
    """List the ids of the films under a root that `find_root` found, unsorted, without opening one.

    Raises:
        UserError: If a class that the set must have holds no film.
    """
    found = Counter()
    for split in _folders(root, tuple(SPLITS)):
        for folder in _folders(split, CLASSES):
            place = f"{split.name}/{folder.name}"
            for child in _children(folder):
                if child.name.lower().endswith(EXTENSIONS):
                    found[split.name.lower(), folder.name.lower()] += 1
                    yield f"{place}/{child.name}"
    for split in ("train", "test"):
        for label in CLASSES:
            if not found[split, label]:
                raise UserError(
                    f"{root / split / label.upper()} holds no .jpeg, .jpg or .png film; fetch the set again"
                )


def lacks(path: Path) -> str:
    """Describe what a folder lacks to be the set, `""` if it is one."""
    try:
        find_root(path)
    except UserError as error:
        return str(error)
    return ""


def open_folder(path: Path) -> Files:
    """Return the films of a folder by their path in the set: `train/NORMAL/IM-0115-0001.jpeg`."""
    root = find_root(path)
    files = {}
    for film_id in film_ids(root):
        split, label, name = film_id.split("/")
        files[f"{split.lower()}/{label.upper()}/{name}"] = partial((root / film_id).open, "rb")
    return files
