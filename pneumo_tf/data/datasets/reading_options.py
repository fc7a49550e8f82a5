"""Options that describe films whose folder or table does not state everything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from pneumo_tf.data.films import CLASSES
from pneumo_tf.errors import UserError


@dataclass(frozen=True)
class ReadingOptions:
    """What a user states of his films. Each source names those that it takes; None means not given.

    Args:
        images: Folder that the paths of a table are relative to; by default the table's own.
        classes: Class, `"normal"` or `"pneumonia"`, by the name that a folder or a table has for it.
        test: Fraction of the films to keep as test films, between 0 and 1, if the source states none.
        patient: Regular expression found in a film's path; its first group, or all of it, is the patient.
        task: Name of the question asked of the films, for sources that can answer several.
    """

    images: Path | None = None
    classes: Mapping[str, str] | None = field(default=None, hash=False)
    test: float | None = None
    patient: re.Pattern[str] | None = None
    task: str | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that are given."""
        return tuple(option.name for option in fields(self) if getattr(self, option.name) is not None)

    def patient_of(self, film_id: str) -> str:
        """Return the patient that the expression finds in a film id, `""` if there is none."""
        found = self.patient and self.patient.search(film_id)
        return (found[1] if found.re.groups else found[0]) or "" if found else ""


NO_OPTIONS = ReadingOptions()
"""For films whose folder states everything."""


def parse_classes(text: str) -> dict[str, str]:
    """Read `normal=healthy,pneumonia=covid,pneumonia=viral`: the user's name of each class.

    Returns:
        The class by the user's name for it, in lower case.

    Raises:
        UserError: If a part is not `CLASS=NAME`, a name has two classes, or a class has no name.
    """
    classes: dict[str, str] = {}
    for part in text.split(","):
        label, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name or label.lower() not in CLASSES:
            raise UserError(f"{part!r} is not normal=NAME or pneumonia=NAME, with commas between")
        if classes.setdefault(name.lower(), label.lower()) != label.lower():
            raise UserError(f"{name!r} is given both classes")
    lacking = [label for label in CLASSES if label not in classes.values()]
    if lacking:
        raise UserError(f"no name is given for {lacking[0]}; add {lacking[0]}=NAME")
    return classes


def parse_patient(text: str) -> re.Pattern[str]:
    """Compile a regular expression that finds the patient in a film's path.

    Raises:
        UserError: If it is no regular expression, or has more than one group.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UserError(f"{text!r} is no regular expression: {error}") from error
    if pattern.groups > 1:
        raise UserError(f"{text!r} has {pattern.groups} groups; put one pair of brackets around the patient")
    return pattern


def parse_fraction(text: str) -> float:
    """Read a fraction of films.

    Raises:
        UserError: If it is not between 0.01 and 0.9.
    """
    try:
        fraction = float(text)
    except ValueError:
        raise UserError(f"must be a fraction such as 0.2, not {text!r}") from None
    if not 0.01 <= fraction <= 0.9:
        raise UserError(f"must lie between 0.01 and 0.9, not {text}")
    return fraction
