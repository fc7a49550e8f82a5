"""Extras: files of a run other than its predictions; damaged ones are left out of the report, with a note."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from pneumo_tf.data.films import Films
from pneumo_tf.explain.maps import unpack_maps
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.stored_files import DamagedFile

Value = TypeVar("Value")
DRAWN = {"epoch", "train_loss", "validation_loss", "validation_auc"}
"""Columns of `history.csv` that figures need."""


def read_extra(read: Callable[[RunFolder], Value], folder: RunFolder, absent: Value) -> Value:
    """Read an extra of a run; return `absent` if its file is damaged, which `damaged_extras` reports."""
    try:
        return read(folder)
    except DamagedFile:
        return absent


def damaged_extras(folder: RunFolder, films: Films) -> list[str]:
    """Return the damaged and missing extras of a run, each with its fault."""
    faults = [f"{name}: is missing" for name in folder.missing_extras()]
    explanations = partial(read_explanations, films=films)
    external = [
        partial(read_explanations, films=None, name=str(file.relative_to(folder.path)).removesuffix(".gz"))
        for file in sorted(folder.path.glob("explanations/external-*.json*"))
    ]
    readers = (read_costs, read_environment, read_history, explanations, read_explained, read_augmented)
    for read in (*readers, *external):
        try:
            read(folder)
        except DamagedFile as error:
            faults.append(folder.fault(error))
    return faults


def read_costs(folder: RunFolder) -> dict[str, Any]:
    """Read `costs.json`: numbers or null by name, and the seconds of each stage.

    Raises:
        DamagedFile: If it is damaged or a value is of another type.
    """
    return _checked(folder, "costs.json", _check_costs)


def read_environment(folder: RunFolder) -> dict[str, Any]:
    """Read `environment.json`: texts by name, and a list of notes.

    Raises:
        DamagedFile: If it is damaged or a value is of another type.
    """
    return _checked(folder, "environment.json", _check_environment)


def read_history(folder: RunFolder) -> list[dict[str, float]]:
    """Read `history.csv`, one row per epoch.

    Raises:
        DamagedFile: If it is damaged or lacks a column of `DRAWN`.
    """
    rows = folder.read_history()
    missing = sorted(DRAWN - set(rows[0])) if rows else []
    if missing:
        raise DamagedFile(folder.path / "history.csv", f"has no column {missing[0]!r}")
    return rows


def read_explanations(
    folder: RunFolder, films: Films | None, name: str = "explanations.json"
) -> dict[str, Any]:
    """Read a file of explanations: grid, films, and a value per film for each method and measure.

    Args:
        folder: Folder of the run.
        films: Film table that the films must be in; None to check no film.
        name: Name of the file; for external films, the result of `external_explanations`.

    Raises:
        DamagedFile: If it is damaged, names a film that is not in the table, or has lists of the wrong
            length.
    """
    known = films.position if films is not None else None
    return _checked(folder, name, partial(_check_explanations, known))


def read_explained(folder: RunFolder) -> dict[str, np.ndarray]:
    """Read `pictures/explained.npz`: films with their maps.

    Raises:
        DamagedFile: If it is damaged or arrays do not belong to the same films.
    """
    return _checked_pictures(folder, "explained", {"ids": 1, "pixels": 3, "maps": 3, "common": 1})


def read_augmented(folder: RunFolder) -> dict[str, np.ndarray]:
    """Read `pictures/augmented.npz`: training films and augmented views of them.

    Raises:
        DamagedFile: If it is damaged or arrays do not belong to the same films.
    """
    return _checked_pictures(folder, "augmented", {"ids": 1, "originals": 3, "augmented": 4})


def _checked(folder: RunFolder, name: str, check: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    values = folder.read_json(name)
    try:
        check(values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedFile(folder.path / name, f"has unexpected content: {error}") from error
    return values


def _check_costs(costs: Mapping[str, Any]) -> None:
    for name, value in (dict(costs) | {"seconds": None}).items():
        if value is not None and not isinstance(value, int | float):
            raise TypeError(f"{name} is {value!r}, not a number")
    for name, value in costs.get("seconds", {}).items():
        if not isinstance(value, int | float):
            raise TypeError(f"seconds of {name} are {value!r}, not a number")


def _check_environment(environment: Mapping[str, Any]) -> None:
    notes, device = environment.get("notes", []), environment.get("device", "")
    if not isinstance(device, str):
        raise TypeError(f"device is {device!r}, not a text")
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise TypeError("notes is not a list of texts")


def _check_explanations(known: Collection[str] | None, left: Mapping[str, Any]) -> None:
    if not left:
        return
    films = left["films"]
    if not isinstance(films, list) or len(set(films)) != len(films):
        raise TypeError("films is not a list of different films")
    unknown_films = [film_id for film_id in films if known is not None and film_id not in known]
    if unknown_films:
        raise ValueError(f"the film {unknown_films[0]!r} is not in the film table")
    if len(left["grid"]) != 2 or not all(isinstance(side, int) for side in left["grid"]):
        raise TypeError("grid is not a pair of whole numbers")
    _check_measures(left["methods"], films)
    for name, method in left["methods"].items():
        if not isinstance(method["title"], str):
            raise TypeError(f"the title of {name} is not a text")
    if "sanity" in left:
        sanity = left["sanity"]
        _check_measures(sanity["next_film"], sanity["films"])
        for stage in sanity["stages"]:
            float(stage["share"])
            _check_measures(stage["methods"], sanity["films"])
    if "maps" in left and len(unpack_maps(left["maps"], tuple(left["grid"]))) != len(films):
        raise ValueError("the number of maps differs from that of the films")


def _check_measures(methods: Mapping[str, Mapping[str, Any]], films: list[str]) -> None:
    for method, measures in methods.items():
        for measure, values in measures.items():
            if measure != "title" and len(np.array(values, float)) != len(films):
                raise ValueError(f"{measure} of {method} does not have a value for each film")


def _checked_pictures(folder: RunFolder, name: str, dimensions: Mapping[str, int]) -> dict[str, np.ndarray]:
    arrays = folder.read_arrays(name)
    for key, count in dimensions.items() if arrays else ():
        array = arrays.get(key)
        if array is None or array.ndim != count or len(array) != len(arrays["ids"]):
            path = folder.path / "pictures" / f"{name}.npz"
            raise DamagedFile(path, f"its {key!r} is missing or of another shape")
    return arrays
