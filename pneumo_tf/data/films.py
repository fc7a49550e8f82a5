"""Films: one row per image, and the table that predictions, splits and caches are joined to."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("normal", "pneumonia")


class Film(NamedTuple):
    """One image.

    Args:
        id: POSIX path under the dataset's root.
        label: 0 normal, 1 pneumonia.
        subtype: `"normal"`, `"bacteria"`, `"virus"`, or `"pneumonia"` if the kind is unknown.
        patient: Key of the person; films of one key are never on two sides of a split that ranks.
        split: Side on which the source put it: `"train"` or `"test"`.
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


@dataclass(frozen=True)
class Films:
    """An ordered table of films; position in it is the film's index in caches and batches.

    Args:
        rows: The films.
        set_apart: Ids of training films that the source keeps out of its training folder, as Kaggle does
            with `val`. Protocols that rank make no difference between them and other training films.
    """

    rows: tuple[Film, ...]
    set_apart: frozenset[str] = frozenset()

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
        return Films(tuple(film for film in self.rows if keep(film)), self.set_apart)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of ids, labels, patients, sizes and content, 16 hex digits."""
        return hashlib.sha256(repr(sorted(self.rows)).encode()).hexdigest()[:16]

    def to_frame(self) -> "pd.DataFrame":
        """Return the table with a column for each field of `Film`, in the order of the films."""
        # Imported here: planning reads film tables, and pandas takes half a second.
        import pandas as pd

        return pd.DataFrame(self.rows, columns=Film._fields)

    def to_csv(self) -> str:
        """Return the table as CSV text."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(Film._fields)
        writer.writerows(self.rows)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> "Films":
        """Read `to_csv`, which holds the rows alone."""
        rows = csv.DictReader(io.StringIO(text))
        whole = ("label", "width", "height")
        return cls(tuple(Film(**{k: int(v) if k in whole else v for k, v in row.items()}) for row in rows))
