"""Fields of a DICOM header about the patient and the exposure."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pneumo_tf.data.formats.dicom.elements import element_text, read_elements

if TYPE_CHECKING:
    from pydicom import Dataset

YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
"""Years of each unit of age."""

SEXES = ("F", "M")
"""Codes of the sexes in DICOM; `O` (other) and all other values count as not stated."""

KEY_DIGITS = 10
"""Hex digits of a patient's key."""


class DicomFields(NamedTuple):
    """Fields of a header; `""` or None if the file does not state them.

    Args:
        patient: Key of the patient, a hash of PatientID by `patient_key`.
        age: PatientAge in years.
        sex: PatientSex: `"F"` or `"M"`.
        view: ViewPosition, such as `"AP"` or `"PA"`.
        body_part: BodyPartExamined, such as `"CHEST"`.
        modality: Modality, such as `"CR"` or `"DX"`.
    """

    patient: str
    age: float | None
    sex: str
    view: str
    body_part: str
    modality: str


def read_dicom_fields(source: Path | bytes) -> DicomFields:
    """Read the fields of a DICOM file, without its pixels.

    Args:
        source: Path of the file, or its bytes.

    Returns:
        The fields; those that cannot be read count as not stated.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not a DICOM file, or damaged.
    """
    content = source if isinstance(source, bytes) else source.read_bytes()
    return fields_of(read_elements(content, pixels=False))


def fields_of(dataset: "Dataset") -> DicomFields:
    """Return the fields of data elements."""
    sex = element_text(dataset, "PatientSex").upper()[:1]
    return DicomFields(
        patient_key(element_text(dataset, "PatientID")),
        parse_age(element_text(dataset, "PatientAge")),
        sex if sex in SEXES else "",
        element_text(dataset, "ViewPosition").upper(),
        element_text(dataset, "BodyPartExamined").upper(),
        element_text(dataset, "Modality").upper(),
    )


def stated_fields(fields: DicomFields) -> dict[str, str]:
    """Return the fields for the film table, as text; fields that the file does not state are left out."""
    age = "" if fields.age is None else f"{fields.age:.4g}"
    texts = {"patient": fields.patient, "age": age, "sex": fields.sex, "view": fields.view}
    return {name: text for name, text in texts.items() if text}


def patient_key(patient_id: str) -> str:
    """Return a key that does not show the PatientID, `""` if there is no PatientID.

    The key is a hash without a secret, so a guess of the id can be confirmed, which is easy for short ids.
    """
    if not patient_id:
        return ""
    return f"id-{hashlib.blake2b(patient_id.encode(errors='replace')).hexdigest()[:KEY_DIGITS]}"


def parse_age(text: str) -> float | None:
    """Return an age in years: `045Y`, `010M`, `003W`, `012D`, or a bare number of years; None for others."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "Y")
    if not (number.isascii() and number.isdigit()) or unit not in YEARS:
        return None
    return int(number) * YEARS[unit]
