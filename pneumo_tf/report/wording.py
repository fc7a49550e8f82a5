"""Words in sentences that depend on the films: the unit of statistics, and the names of train and test."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.films import Films

Text = TypeVar("Text", bound=str)

PATIENTS = {
    "unit": "patient",
    "paired": "paired by film, clustered by patient",
    "unseen": "trained on no film of that patient",
    "kept_whole": ", patients kept whole",
}
"""Words in place of each name in braces if the unit of statistics is the patient."""

FILMS = {"unit": "film", "paired": "paired by film", "unseen": "not trained on it", "kept_whole": ""}
"""Words in place of the same names if no patient is known, so that the unit is the film."""


class Wording:
    """Words for sentences about the films of a dataset.

    Args:
        source: The dataset.
        films: Its films; if no patient is known, the unit of every statistic is the film.
    """

    def __init__(self, source: DatasetSource, films: Films) -> None:
        train, test = source.sides
        self.words: Mapping[str, str] = {
            **(PATIENTS if films.patients_known else FILMS),
            "train": train,
            "test": test,
        }

    @property
    def unit(self) -> str:
        """Unit of every statistic, which is resampled and counts as independent: `"patient"` or `"film"`."""
        return self.words["unit"]

    def write(self, text: Text) -> Text:
        """Return a text with the words filled in for `{unit}`, `{paired}`, `{train}` and the other names."""
        return text.format(**self.words)


def units_of(wordings: Iterable[Wording]) -> str:
    """Return the plural of the units of several boards: `"patients or films"` if they differ."""
    return " or ".join(dict.fromkeys(f"{wording.unit}s" for wording in wordings)) or "patients"
