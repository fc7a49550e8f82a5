"""Folders of the RSNA challenge with films drawn for tests: DICOM with a baseline JPEG, as the real ones."""

import csv
import gzip
import warnings
from typing import NamedTuple

import cv2
import numpy as np

from tests.data.formats.dicom.dicom_files import describe, write_dicom

BASELINE = "1.2.840.10008.1.2.4.50"

SIDE = 1024
"""Side of the published films, which the tables state boxes in."""

FILMS = "stage_2_train_images"

CLASSES = ("Normal", "No Lung Opacity / Not Normal", "Lung Opacity")


class Film(NamedTuple):
    """An image of the challenge: boxes are x, y, width and height in pixels of `SIDE`."""

    image: str
    finding: str
    boxes: tuple = ()
    age: str = "51"
    sex: str = "F"
    view: str = "PA"


def films(count=45):
    """Images of all three classes; the last has no class."""
    made = []
    for number in range(count):
        finding = CLASSES[number % 3]
        boxes = ((100 + 10 * number, 300, 250, 180), (600, 256, 128, 512))[: 1 + number % 2]
        age, sex, view = str(20 + number), "FM"[number % 2], ("PA", "AP")[number % 2]
        made.append(
            Film(
                f"{number:08x}-5a3f-4d5b-9b1c-0123456789ab",
                finding,
                boxes if number % 3 == 2 else (),
                age,
                sex,
                view,
            )
        )
    return [*made[:-1], made[-1]._replace(finding="")]


def draw_film(film, side):
    """Noise around a body, bright in the boxes, (side, side) uint8."""
    rng = np.random.default_rng(int(film.image[:8], 16))
    image = np.full((side, side), 40, np.float32)
    cv2.ellipse(image, (side // 2, side // 2), (side // 3, int(side / 2.2)), 0, 0, 360, 130, -1)
    for box in film.boxes:
        left, top, width, height = (round(number * side / SIDE) for number in box)
        image[top : top + height, left : left + width] += 70
    return (image + rng.normal(0, 8, image.shape)).clip(0, 255).astype(np.uint8)


def encode_film(film, side):
    """Bytes of a DICOM file with the header of the challenge's films."""
    image = draw_film(film, side)
    stream = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    with warnings.catch_warnings():
        # The challenge's ages are bare numbers, which DICOM does not allow.
        warnings.simplefilter("ignore")
        return write_dicom(
            stream,
            syntax=BASELINE,
            **describe(image),
            PatientID=film.image,
            PatientAge=film.age,
            PatientSex=film.sex,
            ViewPosition=film.view,
            Modality="CR",
            BodyPartExamined="CHEST",
            ConversionType="WSD",
        )


def write_rsna(root, written=None, side=64):
    """Write films with both tables, as Kaggle gives them."""
    written = films() if written is None else written
    (root / FILMS).mkdir(parents=True)
    for film in written:
        (root / FILMS / f"{film.image}.dcm").write_bytes(encode_film(film, side))
    write_tables(root, written)
    return root


def write_tables(root, written):
    """Write the labels, a line for each box, and the classes, as often."""
    with (root / "stage_2_train_labels.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["patientId", "x", "y", "width", "height", "Target"])
        for film in written:
            lines.writerows([film.image, *map(float, box), 1] for box in film.boxes)
            if not film.boxes:
                lines.writerow([film.image, "", "", "", "", 0])
    with (root / "stage_2_detailed_class_info.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["patientId", "class"])
        for film in written:
            if film.finding:
                lines.writerows([film.image, film.finding] for _ in range(max(1, len(film.boxes))))


def published_films(tables):
    """Every image of the challenge, as the published tables and headers describe it.

    Args:
        tables: Folder of the labels, the classes and the fields of the headers, gzipped.
    """
    boxes, findings = {}, {}
    for row in _rows(tables / "stage_2_train_labels.csv.gz"):
        numbers = [float(row[name]) for name in ("x", "y", "width", "height") if row[name]]
        boxes.setdefault(row["patientId"], []).extend([tuple(numbers)] if numbers else [])
    for row in _rows(tables / "stage_2_detailed_class_info.csv.gz"):
        findings[row["patientId"]] = row["class"]
    headers = {row["PatientID"]: row for row in _rows(tables / "dicom_headers.csv.gz")}
    return [
        Film(
            image,
            findings.get(image, ""),
            tuple(found),
            headers[image]["PatientAge"],
            headers[image]["PatientSex"],
            headers[image]["ViewPosition"],
        )
        for image, found in boxes.items()
    ]


def _rows(path):
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)
