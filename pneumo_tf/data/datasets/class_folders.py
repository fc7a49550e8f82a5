"""A folder with one subfolder per class, of any name, or with folders train and test that have those."""

import os
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pneumo_tf.data.datasets.csv_lines import ask_for_classes, count_names
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
from pneumo_tf.data.datasets.scan import NOT_READABLE, Omission, count_left_out, other_kind, scan
from pneumo_tf.data.films import CLASSES, Film
from pneumo_tf.data.formats.registry import EXTENSIONS
from pneumo_tf.data.image_files import Header
from pneumo_tf.errors import UserError

SPLITS = {"train": "train", "training": "train", "val": "train", "validation": "train", "test": "test"}
"""The split of the films in a folder, by the folder's name."""


def find_classes(path: Path) -> set[str]:
    """Return the names of the class folders that have films.

    Raises:
        UserError: If there are fewer than two.
    """
    if not os.path.isdir(path):
        raise UserError(f"{path} is not a folder")
    _, ids, _ = _find_films(path)
    names = {place[1] for place in map(_place, ids) if place}
    if len(names) < 2:
        raise UserError("there are fewer than two folders with films; each class needs one")
    return names


def list_films(path: Path, options: ReadingOptions) -> FilmList:
    """List the films of class folders.

    Args:
        path: The folder.
        options: `classes`, `test` and `patient` are used.

    Raises:
        UserError: If the class of a folder is unknown, or a class has no film.
    """
    root, ids, omissions = _find_films(path)
    counts = Counter(place[1] for place in map(_place, ids) if place)
    classes = options.classes or _usual_classes(counts)
    kept = {film_id: place for film_id in ids if (place := _place(film_id)) and place[1].lower() in classes}
    _check_classes(path, counts, classes)
    stated = any(split == "test" for split, _ in kept.values())
    complete, notes = choose_test("a folder of its own" if stated else "", options.test)
    omissions += [Omission(film_id, "film", _reason(film_id)) for film_id in ids if film_id not in kept]
    return FilmList(
        root,
        tuple(kept),
        partial(_describe, kept, classes, options),
        header_covariates,
        complete=complete,
        notes=(*describe_classes(options), *notes),
        left_out=count_left_out(omissions),
    )


def _find_films(path: Path) -> tuple[Path, list[str], list[Omission]]:
    """Return the deepest folder that contains all films, their paths under it, and what is left out."""
    found = scan(path)
    for place, _, reason in found.omissions:
        if reason == NOT_READABLE and place.rpartition("/")[2].lower() in SPLITS:
            raise UserError(f"cannot read {path / place}; change its permissions")
    places = [place for place in found.files if place.lower().endswith(EXTENSIONS)]
    known = set(places)
    others = (other_kind(place) for place in found.files if place not in known)
    shared = os.path.commonpath({os.path.dirname(place) for place in places}) if places else ""
    ids = [place[len(shared) :].lstrip("/") for place in places]
    return path / shared, ids, [*found.omissions, *others]


def _place(film_id: str) -> tuple[str, str] | None:
    """Return split (`""` if there is no such folder) and class folder; None for a film in no class folder."""
    folders = film_id.split("/")[:-1]
    split = SPLITS.get(folders[0].lower(), "") if folders else ""
    classes = folders[1:] if split else folders
    return (split, classes[0]) if classes else None


def _usual_classes(counts: Mapping[str, int]) -> Mapping[str, str]:
    if {name.lower() for name in counts} != set(CLASSES):
        raise UserError(f"the class of each folder is unknown; {ask_for_classes(counts)}")
    return {label: label for label in CLASSES}


def _check_classes(path: Path, counts: Counter[str], classes: Mapping[str, str]) -> None:
    given = {classes[name.lower()] for name in counts if name.lower() in classes}
    for label in CLASSES:
        if label not in given:
            found = count_names(counts)
            names = " or ".join(name for name, of in classes.items() if of == label)
            raise UserError(
                f"{path} has no film of {label}: there is none in a folder {names} (found: {found})"
            )


def _reason(film_id: str) -> str:
    place = _place(film_id)
    return f"in the folder {place[1]}, which is not a class" if place else "in no class folder"


def _describe(
    kept: Mapping[str, tuple[str, str]],
    classes: Mapping[str, str],
    options: ReadingOptions,
    film_id: str,
    header: Header,
) -> Film:
    split, name = kept[film_id]
    label = classes[name.lower()]
    patient = patient_key(film_id, header, options)
    size = header.width, header.height
    return Film(film_id, CLASSES.index(label), label, patient, split or "train", *size, header.digest)


CLASS_FOLDERS = DatasetSource(
    name="folders",
    title="Films in class folders",
    find=find_classes,
    list_films=list_films,
    notice=NOTICE,
    licence=LICENCE,
    protocols=PROTOCOLS,
    options=frozenset({"classes", "test", "patient"}),
)
"""Any films, in one folder per class."""
