"""Films listed in a CSV, with the labels, patients, splits and covariates of its columns."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pneumo_tf.data.datasets import boxes
from pneumo_tf.data.datasets.csv_lines import Line, lacks_columns, read_table
from pneumo_tf.data.datasets.dataset import Masks
from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.datasets.own_films import (
    LICENCE,
    NOTICE,
    PROTOCOLS,
    choose_test,
    describe_classes,
    header_covariates,
    patient_key,
)
from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.data.films import Film
from pneumo_tf.data.image_files import Header
from pneumo_tf.errors import UserError

BOXES = "boxes.csv"
"""Table of boxes around findings, in the folder that the paths of films are relative to."""

MISSING_SHOWN = 3
"""Missing films that an error message lists."""


def find_table(path: Path) -> Path:
    """Find the CSV: the given file, or the only one in the given folder with the required columns.

    Raises:
        UserError: If there is none, or more than one.
    """
    if os.path.isfile(path):
        if lacking := lacks_columns(path):
            raise UserError(lacking)
        return path
    tables = [found for found in sorted(path.glob("*.csv")) if found.is_file() and not lacks_columns(found)]
    if len(tables) > 1:
        raise UserError(f"{path} has several CSV files of films; name one: {', '.join(map(str, tables))}")
    if not tables:
        raise UserError("there is no CSV file with the columns path and label")
    return tables[0]


def list_films(path: Path, options: ReadingOptions) -> FilmList:
    """List the films of a CSV, or of a folder that contains one.

    Args:
        path: The CSV or its folder.
        options: All except `task` are used.

    Raises:
        UserError: If the table cannot be read, or lists films that do not exist.
    """
    path = find_table(path)
    root = options.images or path.parent
    table = read_table(path, root, options.classes)
    _check_files(path, root, table.lines)
    stated = any(line.split == "test" for line in table.lines.values())
    complete, notes = choose_test(f"the column split of {path.name}" if stated else "", options.test)
    return FilmList(
        root,
        tuple(sorted(table.lines)),
        partial(_describe, table.lines, options),
        partial(_describe_covariates, table.lines),
        complete=complete,
        notes=(
            *describe_classes(options),
            *notes,
            *_describe_skipped(path, table.skipped),
            *_describe_boxes(path, root, table.lines),
        ),
    )


def open_masks(root: Path, kind: str) -> Masks | None:
    """Return the boxes of `boxes.csv` as masks (see `DatasetSource`), None without the file."""
    if kind != "masks" or not (root / BOXES).is_file():
        return None
    return boxes.open_boxes(root, boxes.read_table(root / BOXES))


def _describe(lines: Mapping[str, Line], options: ReadingOptions, film_id: str, header: Header) -> Film:
    line = lines[film_id]
    patient = patient_key(film_id, header, options, line.patient)
    split = line.split or "train"
    return Film(film_id, line.label, line.subtype, patient, split, header.width, header.height, header.digest)


def _describe_covariates(lines: Mapping[str, Line], film_id: str, header: Header) -> dict[str, str]:
    """Return the covariates in the film's file, replaced by those of the table where it has them."""
    return {
        **header_covariates(film_id, header),
        **{name: value for name, value in lines[film_id].covariates.items() if value},
    }


def _check_files(path: Path, root: Path, lines: Mapping[str, Line]) -> None:
    """Refuse a table that lists films that do not exist, before any film is read."""
    missing = [film_id for film_id in sorted(lines) if not (root / film_id).is_file()]
    if missing:
        named = ", ".join(missing[:MISSING_SHOWN])
        raise UserError(
            f"{len(missing):,} of {len(lines):,} films of {path} are not in {root}, such as {named}; "
            "name their folder with --images"
        )


def _describe_skipped(path: Path, skipped: Mapping[str, int]) -> tuple[str, ...]:
    if not skipped:
        return ()
    counts = ", ".join(f"{count:,} of {name or 'no label'}" for name, count in sorted(skipped.items()))
    return (f"Films of {path.name} with a label that --classes does not name are left out: {counts}.",)


def _describe_boxes(path: Path, root: Path, lines: Mapping[str, Line]) -> tuple[str, ...]:
    """Read the boxes, so that errors in them are found before a run, and describe boxes that are not used."""
    if not (root / BOXES).is_file():
        unused = (path.parent / BOXES).is_file()
        return (f"{path.parent / BOXES} is not read; move it to the films, in {root}.",) if unused else ()
    unlisted = [film_id for film_id in boxes.read_table(root / BOXES) if film_id not in lines]
    if not unlisted:
        return ()
    return (f"{BOXES} has boxes of films that are not listed: {len(unlisted):,}, such as {unlisted[0]}.",)


CSV_TABLE = DatasetSource(
    name="csv",
    title="Films of a CSV",
    find=find_table,
    list_films=list_films,
    notice=NOTICE,
    licence=LICENCE,
    protocols=PROTOCOLS,
    options=frozenset({"images", "classes", "test", "patient"}),
    open_masks=open_masks,
)
"""Any films, listed in a CSV."""
