"""The chest films of Kermany et al. 2018: from a folder, in any form it arrives, to a table of films."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pneumo_tf.data.films import CLASSES, Dataset, Film, Films
from pneumo_tf.data.image_files import read_headers, read_sizes
from pneumo_tf.errors import UserError

TITLE = "Chest X-Ray Images (Pneumonia), Kermany et al. 2018"

COUNTS = {
    ("train", "normal"): 1349,
    ("train", "bacteria"): 2538,
    ("train", "virus"): 1345,
    ("test", "normal"): 234,
    ("test", "bacteria"): 242,
    ("test", "virus"): 148,
}
"""Films of the published set by split and subtype; the 16 films that Kaggle set apart as `val/` are train."""

SPLITS = {"train": "train", "val": "train", "test": "test"}
"""Split folders, and the split that their films belong to."""

EXTENSIONS = (".jpeg", ".jpg", ".png")

_PNEUMONIA = re.compile(r"person(\d+)_(bacteria|virus)(?![a-z])", re.IGNORECASE)
_NORMAL = re.compile(r"((?:NORMAL2-)?IM)-(\d+)", re.IGNORECASE)
_NUMBERED = re.compile(r"(NORMAL|BACTERIA|VIRUS)-(\d+)-", re.IGNORECASE)


class FilmName(NamedTuple):
    """What a file name says of a film.

    Args:
        subtype: `"normal"`, `"bacteria"`, `"virus"`, or `""` where the name follows no known pattern.
        patient: Key of the person.
        series: The numbering that the patient's number belongs to; `""` where unknown.
    """

    subtype: str
    patient: str
    series: str


def read_folder(
    path: Path,
    *,
    cache: Path | None = None,
    sizes: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    name: str = "kermany",
    title: str | None = None,
) -> Dataset:
    """Reads a folder of the set: as Kaggle, kagglehub or Mendeley Data give it, or as someone renamed it.

    Args:
        path: The folder with `train` and `test`, or one that holds it up to two levels down.
        cache: Folder that remembers sizes and digests, so that the next start reads no film.
        sizes: CSV of `path,width,height` in pixels, for films that were resized after they were published.
        progress: Called with the films read so far and the films that have to be read.
        name: Name of the data set.
        title: Title of the data set; by default that of the published set with the number of films.

    Returns:
        The films, sorted by id; `val` is part of train.

    Raises:
        UserError: Where a folder is missing or empty, a film cannot be read or lies in the wrong class, or
            the CSV does not fit.

    Example:
        >>> read_folder(Path("data/chest_xray")).films.rows[0].patient
        'IM-0001'
    """
    root = find_root(path)
    ids = sorted(film_ids(root))
    headers = read_headers(root, ids, cache=cache, progress=progress)
    films = Films(tuple(_film(film_id, *header) for film_id, header in zip(ids, headers, strict=True)))
    _check_classes(root, films)
    if sizes is not None:
        films = _with_sizes(films, sizes)
    return Dataset(name, title or f"{TITLE}, {len(films):,} films", root, films)


def read_name(film_id: str) -> FilmName:
    """Subtype and patient of a film from its file name.

    Numbers start anew for bacteria and for virus, and for `IM` and `NORMAL2-IM`: `person3_bacteria_10` and
    `person3_virus_15` are two children, so the key holds the series as well as the number.

    Example:
        >>> read_name("train/PNEUMONIA/person447_virus_921_1.jpeg").patient
        'virus-447'
    """
    stem = PurePosixPath(film_id).stem
    if match := _PNEUMONIA.match(stem):
        number, subtype = match[1], match[2].lower()
        return FilmName(subtype, f"{subtype}-{number}", subtype)
    if match := _NORMAL.match(stem):
        series = match[1].upper()
        return FilmName("normal", f"{series}-{match[2]}", series)
    if match := _NUMBERED.match(stem):
        subtype = match[1].lower()
        return FilmName(subtype, f"{subtype}-{match[2]}", "NORMAL" if subtype == "normal" else subtype)
    return FilmName("", stem, "")


def source_series(film_id: str) -> str:
    """The numbering that a film comes from: `"IM"`, `"NORMAL2-IM"`, `"bacteria"`, `"virus"`, or `"unknown"`.

    Mendeley v3 renames both normal series to `"NORMAL"`.
    """
    return read_name(film_id).series or "unknown"


def check_counts(films: Iterable[Film]) -> list[str]:
    """Says how the films differ in number from the published set, one line per split and subtype.

    Returns:
        Nothing where the counts are the same.
    """
    counts = Counter((film.split, film.subtype) for film in films)
    return [
        f"{split}: {counts[split, subtype]:,} instead of {COUNTS.get((split, subtype), 0):,} {subtype} films"
        for split, subtype in [*COUNTS, *sorted(set(counts) - set(COUNTS))]
        if counts[split, subtype] != COUNTS.get((split, subtype), 0)
    ]


def find_root(path: Path) -> Path:
    """The folder that holds `train` and `test`: the one given, or the only one up to two levels down.

    Raises:
        UserError: Where there is none, or more than one at the same depth.
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
    """Entries in the order of their names, without what operating systems leave behind."""
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
    """Folders that a set must have and this one has not."""
    missing = []
    for split in ("train", "test"):
        found = _folders(root, (split,))
        classes = {child.name.lower() for folder in found for child in _folders(folder, CLASSES)}
        missing += (
            [f"{split}/{label.upper()}" for label in CLASSES if label not in classes] if found else [split]
        )
    return missing


def film_ids(root: Path) -> Iterator[str]:
    """Ids of the films under a root that `find_root` gave, unsorted, without opening one.

    Raises:
        UserError: Where a class that the set must have holds no film.
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


def _film(film_id: str, width: int, height: int, digest: str) -> Film:
    folder, class_folder, _ = film_id.lower().split("/", 2)
    label = CLASSES.index(class_folder)
    subtype, patient, _ = read_name(film_id)
    return Film(film_id, label, subtype or CLASSES[label], patient, SPLITS[folder], width, height, digest)


def _check_classes(root: Path, films: Films) -> None:
    """A film in the wrong class folder is a wrong label, and its name is the only witness."""
    wrong = [film.id for film in films if (film.subtype == "normal") != (film.label == 0)]
    if wrong:
        raise UserError(
            f"{len(wrong):,} of {len(films):,} films in {root} lie in a class that their name contradicts, "
            f"such as {wrong[0]}; "
            "move them, or fetch the set again"
        )


def _with_sizes(films: Films, path: Path) -> Films:
    sizes = read_sizes(path)
    lacking = [film.id for film in films if film.id.lower() not in sizes]
    if lacking:
        raise UserError(
            f"{path} lacks {len(lacking):,} of {len(films):,} films, such as {lacking[0]}; "
            "add them, or do without the CSV"
        )
    rows = []
    for film in films:
        width, height = sizes[film.id.lower()]
        rows.append(film._replace(width=width, height=height))
    return Films(tuple(rows))
