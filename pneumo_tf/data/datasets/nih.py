"""ChestX-ray14 of the NIH Clinical Center: 112,120 films, with labels that were mined from reports."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pneumo_tf.data.datasets.boxes import Box, open_boxes, read_box
from pneumo_tf.data.datasets.csv_cells import read_cells
from pneumo_tf.data.datasets.dataset import Masks
from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.datasets.nih_download import DOWNLOAD
from pneumo_tf.data.datasets.own_films import PROTOCOLS, choose_test
from pneumo_tf.data.datasets.reading_options import ReadingOptions, choose_task
from pneumo_tf.data.datasets.scan import Omission, count_left_out, scan
from pneumo_tf.data.datasets.set_files import find_file
from pneumo_tf.data.films import Film
from pneumo_tf.data.image_files import Header
from pneumo_tf.errors import UserError

TABLE = "Data_Entry_2017*.csv"

BOXES = "BBox_List_2017.csv"

TRAIN_LIST, TEST_LIST = "train_val_list.txt", "test_list.txt"

EXTENSION = ".png"

SIDE = 1024
"""Side of the published films in pixels, the unit of the boxes."""

TASKS = ("pneumonia-vs-no-finding", "pneumonia-vs-all")

PNEUMONIA, NO_FINDING = "Pneumonia", "No Finding"

OTHER = "other finding"
"""Subtype of a film with findings other than pneumonia."""

NOTICE = """\
ChestX-ray14, public data of the NIH Clinical Center: use is unrestricted, with a link to
https://nihcc.app.box.com/v/ChestXray-NIHCC, a citation, and acknowledgment of the NIH Clinical Center. Please
cite:
  Wang X, Peng Y, Lu L, Lu Z, Bagheri M, Summers RM. ChestX-ray8: Hospital-scale Chest X-ray Database and
  Benchmarks on Weakly-Supervised Classification and Localization of Common Thorax Diseases. CVPR 2017,
  3462-3471. https://doi.org/10.1109/CVPR.2017.369"""

COUNTS = {("", "normal"): 60_361, ("", "pneumonia"): 1_431}
"""Films of the published set without a finding, and with pneumonia."""

COUNTS_ALL = {("", "normal"): 110_689, ("", "pneumonia"): 1_431}
"""The same for the task pneumonia-vs-all, in which films with other findings are normal."""

MINED = "Labels were mined from reports by a program, not read from films: about a tenth are wrong."

_COLUMNS = ("image index", "finding labels", "patient id", "patient age", "patient gender", "view position")

_BOX_COLUMNS = ("bbox [x", "y", "w", "h]")

_AGE = re.compile(r"0*(\d+)Y?")


class Entry(NamedTuple):
    """A line of the table of films.

    Args:
        subtype: `"pneumonia"`, `"normal"`, or `OTHER`.
        patient: Number of the patient.
        covariates: Age in years, sex and view, as far as they are known.
    """

    subtype: str
    patient: str
    covariates: Mapping[str, str]


def find_table(path: Path) -> Path:
    """Find the table of films, as `find_file` does; the last one if several lie in one folder.

    Raises:
        UserError: If there is none.
    """
    place, names = find_file(path, lambda name: PurePosixPath(name).match(TABLE), TABLE)
    return place / names[-1]


def list_films(path: Path, options: ReadingOptions) -> FilmList:
    """List the films of the set, or of a part of it.

    Args:
        path: The folder with `Data_Entry_2017*.csv` and the films, in folders of any name.
        options: `task` and `test` are used.

    Raises:
        UserError: If a table cannot be read, or there is no film.
    """
    table = find_table(path)
    root = table.parent
    task = choose_task(options.task, TASKS)
    entries = read_entries(table)
    splits = read_splits(root)
    places, omissions = _find_films(root, entries)
    kept = {}
    for name, film_id in places.items():
        reason = _reason(task, name, entries[name], splits)
        if reason:
            omissions.append(Omission(film_id, "film", reason))
        else:
            kept[film_id] = name
    _check_kept(root, table, kept)
    complete, notes = choose_test(TEST_LIST if splits else "", options.test)
    return FilmList(
        root,
        tuple(sorted(kept)),
        partial(_describe, {film_id: entries[name] for film_id, name in kept.items()}, splits),
        partial(_describe_covariates, {film_id: entries[name] for film_id, name in kept.items()}),
        complete=complete,
        notes=(_describe_task(task, (entries[name] for name in kept.values())), MINED, *notes),
        left_out=count_left_out(omissions),
    )


def read_entries(path: Path) -> dict[str, Entry]:
    """Read the table of films, by the name of the film's file.

    Raises:
        UserError: If it cannot be read, or a line is not as expected.
    """
    entries = {}
    for place, cells in read_cells(path, _COLUMNS):
        name, patient = cells["image index"], cells["patient id"]
        if not name or not patient:
            raise UserError(f"{place}: there is no Image Index or no Patient ID")
        if name in entries:
            raise UserError(f"{place}: {name} is listed a second time")
        entries[name] = Entry(_subtype(cells["finding labels"]), patient, _covariates(cells))
    return entries


def read_splits(root: Path) -> dict[str, str]:
    """Read the published split of each film by file name; empty if there are no lists.

    Raises:
        UserError: If only one of the two lists exists, one cannot be read, or they share a film.
    """
    there = [name for name in (TRAIN_LIST, TEST_LIST) if (root / name).is_file()]
    if len(there) == 1:
        missing = TEST_LIST if there == [TRAIN_LIST] else TRAIN_LIST
        raise UserError(f"{root} has {there[0]} and no {missing}; add it, or remove the other")
    if not there:
        return {}
    trained, tested = (_read_names(root / name) for name in there)
    if shared := sorted(trained & tested):
        raise UserError(f"{shared[0]} is in {TRAIN_LIST} and in {TEST_LIST}; fetch the lists again")
    return {**dict.fromkeys(trained, "train"), **dict.fromkeys(tested, "test")}


def open_masks(root: Path, kind: str) -> Masks | None:
    """Return the boxes around pneumonia as masks, as `DatasetSource` describes; None without boxes."""
    if kind != "masks" or not (root / BOXES).is_file():
        return None
    boxes = read_boxes(root / BOXES)
    places, _ = _find_films(root, boxes)
    return open_boxes(root, {film_id: boxes[name] for name, film_id in places.items()})


def read_boxes(path: Path) -> dict[str, list[Box]]:
    """Read the boxes around pneumonia, by the name of the film's file.

    Raises:
        UserError: If the table cannot be read, or a line is not as expected.
    """
    boxes: dict[str, list[Box]] = {}
    for place, cells in read_cells(path, ("image index", "finding label", *_BOX_COLUMNS)):
        if cells["finding label"] == PNEUMONIA:
            box = read_box([cells[name] for name in _BOX_COLUMNS], place, SIDE)
            boxes.setdefault(cells["image index"], []).append(box)
    return boxes


def kind_of(film: Film) -> tuple[str, str]:
    """Return the key that published counts have: the class of a film, without its split."""
    return "", "pneumonia" if film.subtype == "pneumonia" else "normal"


def _subtype(findings: str) -> str:
    found = findings.split("|")
    if PNEUMONIA in found:
        return "pneumonia"
    return "normal" if found == [NO_FINDING] else OTHER


def _covariates(cells: Mapping[str, str]) -> dict[str, str]:
    """Return age, sex and view as far as they are known; ages are `58` or, in some copies, `058Y`."""
    age = _AGE.fullmatch(cells["patient age"])
    stated = {"age": age[1] if age else "", "sex": cells["patient gender"], "view": cells["view position"]}
    return {name: value for name, value in stated.items() if value}


def _read_names(path: Path) -> set[str]:
    try:
        return set(path.read_text("utf-8").split())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8") from error


def _find_films(root: Path, named: Iterable[str]) -> tuple[dict[str, str], list[Omission]]:
    """Return the film id of each listed file that is found below a folder, and the files left out."""
    named, places = set(named), {}
    scanned = scan(root)
    omissions = list(scanned.omissions)
    for film_id in scanned.files:
        name = PurePosixPath(film_id).name
        if not name.endswith(EXTENSION):
            continue
        if name not in named:
            omissions.append(Omission(film_id, "film", "that the table does not list"))
        elif name in places:
            omissions.append(Omission(film_id, "film", "with the name of another film"))
        else:
            places[name] = film_id
    omissions += [Omission(name, "line", "of a film that does not exist") for name in named - places.keys()]
    return places, omissions


def _reason(task: str, name: str, entry: Entry, splits: Mapping[str, str]) -> str:
    """Return why a film is left out, `""` if it is used."""
    if task == TASKS[0] and entry.subtype == OTHER:
        return "with other findings than pneumonia"
    if splits and name not in splits:
        return f"in neither {TRAIN_LIST} nor {TEST_LIST}"
    return ""


def _check_kept(root: Path, table: Path, kept: Mapping[str, str]) -> None:
    if not kept:
        raise UserError(f"{root} has no film of {table.name} with pneumonia or without a finding")


def _describe_task(task: str, entries: Iterable[Entry]) -> str:
    counts = Counter(entry.subtype for entry in entries)
    question = f"Task {task}: {counts['pneumonia']:,} films with pneumonia among the findings against "
    if task == TASKS[0]:
        return f"{question}{counts['normal']:,} without a finding; films with other findings are left out."
    return f"{question}{counts['normal']:,} without a finding and {counts[OTHER]:,} with other findings."


def _describe(entries: Mapping[str, Entry], splits: Mapping[str, str], film_id: str, header: Header) -> Film:
    entry, split = entries[film_id], splits.get(PurePosixPath(film_id).name, "train")
    label = int(entry.subtype == "pneumonia")
    size = header.width, header.height
    return Film(film_id, label, entry.subtype, entry.patient, split, *size, header.digest)


def _describe_covariates(entries: Mapping[str, Entry], film_id: str, header: Header) -> Mapping[str, str]:
    return entries[film_id].covariates


NIH = DatasetSource(
    name="nih",
    title="NIH ChestX-ray14, Wang et al. 2017",
    folder="nih",
    find=find_table,
    list_films=list_films,
    notice=NOTICE,
    licence="NIH Clinical Center, unrestricted use with attribution (Wang et al. 2017)",
    protocols=PROTOCOLS,
    options=frozenset({"task", "test"}),
    counts=COUNTS,
    counts_of_tasks=(COUNTS_ALL,),
    kind_of=kind_of,
    open_masks=open_masks,
    download=DOWNLOAD,
)
"""The set as published by the NIH, and on Kaggle."""
