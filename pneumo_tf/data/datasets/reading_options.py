"""Options about films whose folder or table does not contain all information."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from pneumo_tf.data.films import CLASSES
from pneumo_tf.errors import UserError, unknown


@dataclass(frozen=True)
class ReadingOptions:
    """Options of a user about the films; None means not given. Each source lists those that it uses.

    Args:
        images: Folder that the paths of a table are relative to; by default the folder of the table.
        classes: Class, `"normal"` or `"pneumonia"`, by its name in folders or the table.
        test: Fraction of the films to use as test films, between 0 and 1, if the source states none.
        patient: Regular expression for a film's path; its first group, or the whole match, is the patient.
        task: Name of the classification task, for sources with several.
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

    def as_arguments(self) -> list[str]:
        """Return the command-line arguments for these options, without the folder of the images."""
        classes = ",".join(f"{label}={name}" for name, label in (self.classes or {}).items())
        stated = {
            "classes": classes,
            "test": "" if self.test is None else f"{self.test:g}",
            "patient": self.patient.pattern if self.patient else "",
            "task": self.task,
        }
        return [word for name, value in stated.items() if value for word in (f"--{name}", value)]

    def patient_of(self, film_id: str) -> str:
        """Return the patient that the expression finds in a film id, `""` if there is none."""
        found = self.patient and self.patient.search(film_id)
        return (found[1] if found.re.groups else found[0]) or "" if found else ""


NO_OPTIONS = ReadingOptions()
"""Options if the user gives none."""


def parse_classes(text: str) -> dict[str, str]:
    """Parse `normal=healthy,pneumonia=covid,pneumonia=viral`, the user's names of each class.

    Returns:
        Class by the user's name, in lower case.

    Raises:
        UserError: If a part is not `CLASS=NAME`, a name has two classes, or a class has no name.
    """
    classes: dict[str, str] = {}
    for part in text.split(","):
        label, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name or label.lower() not in CLASSES:
            raise UserError(f"{part!r} is not normal=NAME or pneumonia=NAME, with commas between")
        if classes.setdefault(name.lower(), label.lower()) != label.lower():
            raise UserError(f"{name!r} is a name of both classes")
    lacking = [label for label in CLASSES if label not in classes.values()]
    if lacking:
        raise UserError(f"no name is given for {lacking[0]}; add {lacking[0]}=NAME")
    return classes


def parse_patient(text: str) -> re.Pattern[str]:
    """Compile a regular expression that finds the patient in a film's path.

    Raises:
        UserError: If it is not a regular expression, or has more than one group.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UserError(f"{text!r} is not a regular expression: {error}") from error
    if pattern.groups > 1:
        raise UserError(f"{text!r} has {pattern.groups} groups; put one pair of brackets around the patient")
    return pattern


def parse_fraction(text: str) -> float:
    """Parse a fraction of films.

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


def choose_task(name: str | None, tasks: Sequence[str]) -> str:
    """Return the classification task of a name; the first one if none is given.

    Raises:
        UserError: If there is no such task.
    """
    if name is not None and name not in tasks:
        raise unknown("task", name, tasks)
    return name or tasks[0]
