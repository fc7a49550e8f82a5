"""Predictions of a model on one set of films, and their CSV file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumo_tf.data.target_classes import TARGET_CLASSES
from pneumo_tf.stored_files import DamagedFile, read_text, unreadable


def score_of_logits(logits: np.ndarray) -> np.ndarray:
    """Return the score of films: the logarithm of the odds of pneumonia.

    Args:
        logits: (n, classes) logits of `TARGET_CLASSES`.

    Returns:
        (n,) float64: the single logit; with two logits that of pneumonia minus that of normal; with three
        ln(exp(bacteria) + exp(virus)) minus that of normal.
    """
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        return logits[:, 0]
    return np.logaddexp.reduce(logits[:, 1:], axis=1) - logits[:, 0]


@dataclass(frozen=True)
class Predictions:
    """Outputs of one model on one set.

    Args:
        ids: Film ids, n of them.
        logits: (n, classes) float32, in the order of `TARGET_CLASSES`.
    """

    ids: tuple[str, ...]
    logits: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """(n,) float64: logarithm of the odds of pneumonia."""
        return score_of_logits(self.logits)

    def to_csv(self) -> str:
        """Return the predictions as CSV text, one line per film, with logits in full precision."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["film", *_columns(self.logits.shape[1])])
        for film, row in zip(self.ids, self.logits, strict=True):
            writer.writerow([film, *(repr(float(logit)) for logit in row)])
        return text.getvalue()


def read_predictions(path: Path) -> Predictions:
    """Read a file of `Predictions.to_csv`, gzipped if the name ends in `.gz`.

    Raises:
        DamagedFile: If the file cannot be read, or a line is not a film with its logits. The message names
            the first such line.
    """
    text = read_text(path)
    try:
        header, *rows = csv.reader(io.StringIO(text))
    except csv.Error as error:
        raise unreadable(path, error) from error
    except ValueError:
        raise DamagedFile(path, "it holds no logits") from None
    try:
        ids, *columns = zip(header, *rows, strict=True)
        logits = np.array([list(map(float, column[1:])) for column in columns], np.float32).T
        if not logits.size or tuple(header[1:]) != _columns(logits.shape[1]):
            raise ValueError
    except ValueError:
        raise DamagedFile(path, _first_fault(header, rows)) from None
    return Predictions(ids[1:], logits)


def _first_fault(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Describe the first line of a prediction file that is not a film with its logits."""
    for number, row in enumerate(rows, start=2):
        try:
            if len(row) == len(header) > 1 and np.array(row[1:], np.float32).size:
                continue
        except ValueError:
            pass
        return f"line {number}, {','.join(row)!r}, is not a film with its logits"
    return f"its columns are {', '.join(header)}" if rows else "it holds no logits"


def _columns(logits: int) -> tuple[str, ...]:
    """Return the titles of the columns of logits, `()` for a number that no model has."""
    classes = TARGET_CLASSES.get(logits, ())
    return ("logit",) if len(classes) == 1 else tuple(f"logit_{name}" for name in classes)
