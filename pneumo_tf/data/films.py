"""Films: one row per image, and the table of films that predictions, splits and caches refer to."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("normal", "pneumonia")

METADATA = ("age", "sex", "view")
"""Covariates of patient and exposure: age in years, sex and view."""

UNKNOWN_PATIENT = "film:"
"""Prefix of the key of an unknown patient; the film's id follows, so each such film has its own patient."""


def unknown_patient(film_id: str) -> str:
    """Return the patient's key of a film whose patient is unknown."""
    return UNKNOWN_PATIENT + film_id


class Film(NamedTuple):
    """One image.

    Args:
        id: POSIX path under the dataset's root.
        label: 0 normal, 1 pneumonia.
        subtype: Subtype, such as `"bacteria"` or `"virus"`; the name of the class if it is unknown.
        patient: Key of the person. Protocols that rank keep the films of one key on the same side. If the
            person is unknown, the key is `unknown_patient(id)`.
        split: Side of the film in the source: `"train"` or `"test"`.
        width: Pixels of the original image.
        height: Pixels of the original image.
        digest: Hash of the file's bytes.
    """

    id: str
    label: int
    subtype: str
    patient: str
    split: str
    width: int
    height: int
    digest: str

    @property
    def patient_known(self) -> bool:
        """Whether the person is known; if not, the film counts as a separate patient."""
        return not self.patient.startswith(UNKNOWN_PATIENT)


Covariates = Mapping[str, Mapping[str, str]]
"""Further columns of a film table, such as age and sex: text by film id, `""` or no entry if unknown."""


@dataclass(frozen=True)
class Films:
    """An ordered table of films; a film's position is its index in caches and batches.

    Args:
        rows: The films.
        set_apart: Ids of training films that the source keeps in another folder, such as Kaggle's `val`.
            Protocols that rank treat them like other training films.
        covariates: Further columns, by name and then by film id.
    """

    rows: tuple[Film, ...]
    set_apart: frozenset[str] = frozenset()
    covariates: Covariates = field(default_factory=dict, hash=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Film]:
        return iter(self.rows)

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels, (n,) int8: 0 normal, 1 pneumonia."""
        return np.array([film.label for film in self.rows], np.int8)

    @cached_property
    def position(self) -> dict[str, int]:
        """Index of each film id."""
        return {film.id: index for index, film in enumerate(self.rows)}

    def indices(self, ids: Iterable[str]) -> np.ndarray:
        """Return the positions of films, (k,) int64, in the order of the ids.

        Raises:
            KeyError: For an id that is not in the table.
        """
        return np.array([self.position[film_id] for film_id in ids], np.int64)

    def where(self, keep: Callable[[Film], bool]) -> "Films":
        """Return the films for which `keep` holds, in the same order."""
        return Films(tuple(film for film in self.rows if keep(film)), self.set_apart, self.covariates)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all columns and covariates, 16 hex digits."""
        content = repr(sorted(self.rows))
        if self.covariates:
            ids, columns = sorted(self.position), sorted(self.covariates.items())
            content += repr(
                [(name, [values.get(film_id, "") for film_id in ids]) for name, values in columns]
            )
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def unknown_patients(self) -> int:
        """Number of films whose patient is unknown."""
        return sum(not film.patient_known for film in self.rows)

    @property
    def patients_known(self) -> bool:
        """Whether the patient of any film is known."""
        return self.unknown_patients < len(self)

    def column(self, name: str) -> tuple[str, ...]:
        """Return a covariate of every film, `""` where it is unknown, in the order of the films."""
        values = self.covariates[name]
        return tuple(values.get(film.id, "") for film in self.rows)

    def to_frame(self) -> "pd.DataFrame":
        """Return the table with a column for each field of `Film` and each covariate, in the films' order.

        A covariate whose known values are all numbers becomes numeric, with nan for unknown values.
        """
        # Imported here: planning reads film tables, and pandas takes half a second.
        import pandas as pd

        frame = pd.DataFrame(self.rows, columns=Film._fields)
        for name in self.covariates:
            values = pd.Series(self.column(name), dtype="str").replace("", None)
            numbers = pd.to_numeric(values, errors="coerce")
            frame[name] = numbers if numbers.notna().equals(values.notna()) else values
        return frame

    def to_csv(self) -> str:
        """Return the table as CSV text; the covariates follow the fields of `Film`."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = [self.column(name) for name in self.covariates]
        writer.writerow([*Film._fields, *self.covariates])
        writer.writerows([*film, *values] for film, *values in zip(self.rows, *columns, strict=True))
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> "Films":
        """Parse the text of `to_csv`; `set_apart` is not part of it."""
        lines = list(csv.DictReader(io.StringIO(text)))
        names = [name for name in (lines[0] if lines else ()) if name not in Film._fields]
        covariates = {name: {line["id"]: line[name] for line in lines} for name in names}
        return cls(tuple(map(_film_of, lines)), covariates=covariates)


def _film_of(line: Mapping[str, str]) -> Film:
    whole = ("label", "width", "height")
    return Film(**{name: int(line[name]) if name in whole else line[name] for name in Film._fields})
