"""Words of sentences that depend on the films: what is resampled, and what the two sides are called."""

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
"""Words of statistics whose unit is the patient, by the name that stands for them in a text."""

FILMS = {"unit": "film", "paired": "paired by film", "unseen": "not trained on it", "kept_whole": ""}
"""Words of statistics whose unit is the film, because no patient is known."""


class Wording:
    """Words of sentences about some films.

    Args:
        source: The dataset that they are of.
        films: The films; if the patient of none is known, films are the unit of every statistic.
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
        """What is resampled and counts as independent: `"patient"` or `"film"`."""
        return self.words["unit"]

    def write(self, text: Text) -> Text:
        """Return a text with the words in place of `{unit}`, `{paired}`, `{train}` and the like."""
        return text.format(**self.words)


def units_of(wordings: Iterable[Wording]) -> str:
    """Return what is resampled over several boards, in the plural: `"patients or films"` if they differ."""
    return " or ".join(dict.fromkeys(f"{wording.unit}s" for wording in wordings)) or "patients"
