"""The lines of a CSV of films: columns path and label, and whatever else is known of a film."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets.csv_cells import column_names, read_cells
from pneumo_tf.data.films import CLASSES, Film
from pneumo_tf.errors import UserError

NEEDED = ("path", "label")

SPLITS = {"": "", "train": "train", "val": "train", "valid": "train", "validation": "train", "test": "test"}
"""Names of splits, and the split that their films belong to: a protocol chooses its own validation films."""

LABELS = {"0": "normal", "1": "pneumonia", **{label: label for label in CLASSES}}
"""Classes by the labels that need no `--classes`."""

NORMAL_NAMES = ("normal", "0", "no finding", "healthy", "negative")
"""Usual names of the normal class, for the advice that names what to type."""

TAKEN = (*NEEDED, "patient", "split", "subtype")
"""Columns that are part of a film's row; those of `Film` that are not here are read from the file itself."""


@dataclass(frozen=True)
class Line:
    """A film as a line of the table describes it.

    Args:
        label: 0 normal, 1 pneumonia.
        subtype: Finer class, or the name of the class.
        patient: As the table has it, `""` if it states none.
        split: `"train"`, `"test"`, or `""` if the table states none.
        covariates: Every further column.
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
        lines: By film id.
        skipped: Number of lines that were left out, by their label.
    """

    lines: Mapping[str, Line]
    skipped: Mapping[str, int]


def lacks_columns(path: Path) -> str:
    """Describe what a file lacks to be a table of films, `""` if it has the columns that are needed."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = column_names(file.readline(1 << 16))
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    except UnicodeDecodeError:
        return f"{path} is no CSV text in UTF-8"
    lacking = [name for name in NEEDED if name not in names]
    return f"{path} has no column {lacking[0]!r} (columns: {', '.join(names)})" if lacking else ""


def read_table(path: Path, root: Path, classes: Mapping[str, str] | None) -> FilmTable:
    """Read a CSV of films.

    Args:
        path: The CSV, with commas, semicolons or tabs between cells.
        root: Folder that its paths are relative to.
        classes: Class by label, in lower case; other labels are then left out. None reads `normal`,
            `pneumonia`, 0 and 1, and refuses others.

    Raises:
        UserError: If the file cannot be read, or a line is not as expected.
    """
    lines: dict[str, Line] = {}
    skipped: Counter[str] = Counter()
    unknown = _unknown_labels(path) if classes is None else ()
    if unknown:
        raise UserError(f"{path} has labels that are not known here; {ask_for_classes(unknown)}")
    for place, cells in read_cells(path):
        film_id = _film_id(cells["path"], root, place)
        if film_id in lines:
            raise UserError(f"{place}: {film_id} is listed a second time")
        name = cells["label"].lower()
        label = (classes or LABELS).get(name)
        if label is None:
            skipped[cells["label"]] += 1
        else:
            lines[film_id] = _line(label, cells, place)
    if not lines:
        raise UserError(f"{path} lists no film")
    return FilmTable(lines, skipped)


def ask_for_classes(found: Mapping[str, int]) -> str:
    """Return what to type so that names of classes are understood.

    Args:
        found: Number of films by name.
    """
    counts = ", ".join(f"{name} ({count:,} films)" for name, count in found.items())
    normal = next((name for name in found if name.lower() in NORMAL_NAMES), "NAME")
    others = [name for name in found if name != normal]
    other = others[0] if len(others) == 1 else "NAME"
    return f"add --classes 'normal={normal},pneumonia={other}' (found: {counts})"


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
        raise UserError(f"{place}: {text!r} is no path in {root}; name another folder with --images")
    return path.as_posix()


def _unknown_labels(path: Path) -> dict[str, int]:
    """Count films by label, if there are labels that need `--classes`."""
    counts = Counter(cells["label"] for _, cells in read_cells(path))
    return dict(counts.most_common()) if any(name.lower() not in LABELS for name in counts) else {}
