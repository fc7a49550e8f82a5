"""The lines of a CSV of films: columns path and label, and optional ones for patient, split and others."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.csv_cells import column_names, read_cells
from pneumo_tf.data.films import CLASSES, Film
from pneumo_tf.errors import UserError

NEEDED = ("path", "label")

SPLITS = {"": "", "train": "train", "val": "train", "valid": "train", "validation": "train", "test": "test"}
"""The split of a film by its name in the table; val becomes train: protocols choose validation films."""

LABELS = {"0": "normal", "1": "pneumonia", **{label: label for label in CLASSES}}
"""Classes by label, for labels that are understood without `--classes`."""

NORMAL_NAMES = ("normal", "0", "no finding", "healthy", "negative")
"""Usual names of the normal class, to suggest a value of `--classes`."""

TAKEN = (*NEEDED, "patient", "split", "subtype")
"""Columns that become fields of `Film`; its other fields are read from the image file."""


@dataclass(frozen=True)
class Line:
    """One line of a table of films.

    Args:
        label: 0 normal, 1 pneumonia.
        subtype: Subtype of the class, or the name of the class.
        patient: Patient as in the table, `""` if it has none.
        split: `"train"`, `"test"`, or `""` if the table has none.
        covariates: All other columns.
    """

    label: int
    subtype: str
    patient: str
    split: str
    covariates: Mapping[str, str]


@dataclass(frozen=True)
class FilmTable:
    """A CSV of films.

    Args:
        lines: Lines by film id.
        skipped: Number of lines that were left out, by label.
    """

    lines: Mapping[str, Line]
    skipped: Mapping[str, int]


def lacks_columns(path: Path) -> str:
    """Return why a file is not a table of films, `""` if it has the required columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = column_names(file.readline(1 << 16))
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    except UnicodeDecodeError:
        return f"{path} is not CSV text in UTF-8"
    lacking = [name for name in NEEDED if name not in names]
    return f"{path} has no column {lacking[0]!r} (columns: {', '.join(names)})" if lacking else ""


def read_table(path: Path, root: Path, classes: Mapping[str, str] | None) -> FilmTable:
    """Read a CSV of films.

    Args:
        path: The CSV, with commas, semicolons or tabs between cells.
        root: Folder that its paths are relative to.
        classes: Class by label, in lower case; films with other labels are left out. If None, labels are
            `normal`, `pneumonia`, 0 and 1, and any other label is an error.

    Raises:
        UserError: If the file cannot be read, or a line is invalid.
    """
    known = LABELS if classes is None else classes
    lines: dict[str, Line] = {}
    counts: Counter[str] = Counter()
    for place, cells in read_cells(path):
        film_id = _film_id(cells["path"], root, place)
        if film_id in lines:
            raise UserError(f"{place}: {film_id} is listed a second time")
        counts[cells["label"]] += 1
        label = known.get(cells["label"].lower())
        if label is not None:
            lines[film_id] = _line(label, cells, place)
    skipped = {name: count for name, count in counts.items() if name.lower() not in known}
    if skipped and classes is None:
        raise UserError(f"{path} has unknown labels; {ask_for_classes(dict(counts.most_common()))}")
    if not lines:
        raise UserError(f"{path} lists no film")
    return FilmTable(lines, skipped)


def ask_for_classes(found: Mapping[str, int]) -> str:
    """Return advice to name the classes with `--classes`.

    Args:
        found: Number of films by class name.
    """
    normal = next((name for name in found if name.lower() in NORMAL_NAMES), "NAME")
    others = [name for name in found if name != normal]
    other = others[0] if len(others) == 1 else "NAME"
    return f"add --classes 'normal={normal},pneumonia={other}' (found: {count_names(found)})"


def count_names(found: Mapping[str, int]) -> str:
    """Return the names of classes, each with its number of films."""
    return ", ".join(
        f"{name} ({count:,} {'film' if count == 1 else 'films'})" for name, count in found.items()
    )


def _line(label: str, cells: Mapping[str, str], place: str) -> Line:
    split = cells.get("split", "").lower()
    if split not in SPLITS:
        raise UserError(f"{place}: the split {split!r} is not train, val or test")
    covariates = {name: value for name, value in cells.items() if name not in (*TAKEN, *Film._fields)}
    subtype = cells.get("subtype", "").lower() or label
    return Line(CLASSES.index(label), subtype, cells.get("patient", ""), SPLITS[split], covariates)


def _film_id(text: str, root: Path, place: str) -> str:
    """Return a path of the table relative to the root, with slashes."""
    path = PurePosixPath(text.replace("\\", "/"))
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise UserError(
            f"{place}: {text!r} is not a path in {root}; give the folder of the images with --images"
        )
    return path.as_posix()
