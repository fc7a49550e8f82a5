"""Tables of the RSNA Pneumonia Detection Challenge: labels with boxes, classes, and NIH patients."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pneumo_tf.data.datasets.boxes import COLUMNS, Box, read_box
from pneumo_tf.data.datasets.csv_cells import read_cells
from pneumo_tf.errors import UserError

LABELS = "stage_2_train_labels.csv"

CLASSES = "stage_2_detailed_class_info.csv"

MAPPING = "pneumonia-challenge-dataset-mappings_2018"
"""RSNA's table of the original NIH film of each film, `.json` or `.csv`."""

OPACITY = "opacity"

NORMAL = "normal"

NOT_NORMAL = "not normal"

NO_OPACITY = "no opacity"
"""Subtype of a film without an opacity and without a class: it may be normal or not."""

SUBTYPES = {"normal": NORMAL, "no lung opacity / not normal": NOT_NORMAL, "lung opacity": OPACITY}
"""Subtype by the class in the table, in lower case."""

SIDE = 1024
"""Side of the published films in pixels, the unit of the boxes."""

_NIH_IMAGE = re.compile(r"(\d{8})_\d{3}(\.png)?", re.IGNORECASE)


class ImageLabel(NamedTuple):
    """Label of an image.

    Args:
        target: 1 if it has an opacity that may be pneumonia, else 0.
        boxes: Boxes around the opacities.
    """

    target: int
    boxes: tuple[Box, ...]


def is_labels(name: str) -> bool:
    """Return whether a file is the table of labels, plain or gzipped."""
    return name in (LABELS, f"{LABELS}.gz")


def find_table(root: Path, name: str) -> Path | None:
    """Return the path of a table in a folder, plain or gzipped, None if it is missing."""
    return next((root / found for found in (name, f"{name}.gz") if (root / found).is_file()), None)


def find_mapping(root: Path) -> Path | None:
    """Return the path of the table of NIH films in a folder, None if it is missing."""
    return next((path for end in (".json", ".csv") if (path := root / f"{MAPPING}{end}").is_file()), None)


def read_labels(path: Path) -> dict[str, ImageLabel]:
    """Read the labels by image; the table has a line for each box, or one for an image without a box.

    Raises:
        UserError: If the table cannot be read, or a line is not as expected.
    """
    labels: dict[str, ImageLabel] = {}
    for place, cells in read_cells(path, ("patientid", *COLUMNS, "target")):
        image, numbers = cells["patientid"], [cells[name] for name in COLUMNS]
        if cells["target"] not in ("0", "1"):
            raise UserError(f"{place}: Target is {cells['target']!r}, not 0 or 1")
        boxes = (read_box(numbers, place, SIDE),) if any(numbers) else ()
        label = ImageLabel(int(cells["target"]), boxes)
        if bool(boxes) != bool(label.target):
            raise UserError(f"{place}: a box is expected where Target is 1, and only there")
        if image in labels:
            if labels[image].target != label.target:
                raise UserError(f"{place}: {image} has Target 0 in one line and 1 in another")
            label = label._replace(boxes=labels[image].boxes + boxes)
        labels[image] = label
    return labels


def read_classes(path: Path) -> dict[str, str]:
    """Read the subtype of each image.

    Raises:
        UserError: If the table cannot be read, or a line is not as expected.
    """
    classes: dict[str, str] = {}
    for place, cells in read_cells(path, ("patientid", "class")):
        subtype = SUBTYPES.get(cells["class"].lower())
        if subtype is None:
            raise UserError(
                f"{place}: unknown class {cells['class']!r}; known classes: {', '.join(SUBTYPES)}"
            )
        if classes.setdefault(cells["patientid"], subtype) != subtype:
            raise UserError(f"{place}: {cells['patientid']} has another class in an earlier line")
    return classes


def read_patients(path: Path) -> dict[str, str]:
    """Read the NIH patient of each image: the first eight digits of the NIH film's name.

    Args:
        path: JSON list or CSV with `subset_img_id`, the image, and `img_id`, such as `00000165_001.png`.

    Raises:
        UserError: If it cannot be read, or an entry is not as expected.
    """
    patients: dict[str, str] = {}
    for place, entry in _json_entries(path) if path.suffix == ".json" else read_cells(path):
        image, nih = entry.get("subset_img_id"), entry.get("img_id")
        if not isinstance(image, str) or not isinstance(nih, str):
            raise UserError(f"{place}: subset_img_id or img_id is missing")
        found = _NIH_IMAGE.fullmatch(nih)
        if not found:
            raise UserError(f"{place}: {nih!r} is not an NIH film such as 00000165_001.png")
        patients[image] = found[1]
    return patients


def check_classes(path: Path, labels: Mapping[str, ImageLabel], classes: Mapping[str, str]) -> None:
    """Refuse classes that contradict the labels.

    Args:
        path: Path of the table of classes.
        labels: Labels from `read_labels`.
        classes: Classes from `read_classes`.

    Raises:
        UserError: If an image has an opacity by one table and none by the other.
    """
    wrong = [
        image
        for image, subtype in classes.items()
        if image in labels and (subtype == OPACITY) != bool(labels[image].target)
    ]
    if wrong:
        raise UserError(
            f"{path} contradicts {LABELS} for {len(wrong):,} images, such as {wrong[0]}; fetch the set again"
        )


def subtype_of(label: ImageLabel, stated: str | None) -> str:
    """Return the subtype of an image: opacity if its label is 1, otherwise its class, if it has one."""
    return OPACITY if label.target else stated or NO_OPACITY


def without_class(images: Iterable[str], classes: Mapping[str, str]) -> list[str]:
    """Return the images without a class, in the given order."""
    return [image for image in images if image not in classes]


def _json_entries(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        entries = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON text: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path} is not a list of films")
    for number, entry in enumerate(entries, start=1):
        yield f"{path}, entry {number}", entry
