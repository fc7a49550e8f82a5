"""Predictions as text: film ids with a logit per class, and what is wrong with a file that is none."""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumo_tf.errors import UserError


@dataclass(frozen=True)
class Predictions:
    """Outputs of one model on one set.

    Args:
        ids: Film ids, n of them.
        logits: (n, classes) float32; one column is the logit of pneumonia.
    """

    ids: tuple[str, ...]
    logits: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """(n,) float64: logit of pneumonia minus logit of normal, or the single logit."""
        logits = self.logits.astype(np.float64)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]


def to_csv(predictions: Predictions) -> str:
    """Predictions as CSV text."""
    columns = ("logit",) if predictions.logits.shape[1] == 1 else ("logit_normal", "logit_pneumonia")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["film", *columns])
    writer.writerows(
        [film, *map(repr, map(float, row))]
        for film, row in zip(predictions.ids, predictions.logits, strict=True)
    )
    return text.getvalue()


def read_file(path: Path) -> Predictions:
    """Reads `to_csv`, gzipped where the name ends in `.gz`.

    Raises:
        UserError: Where the file is damaged, or a line is no film with its logits; it names the first.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        header, *rows = csv.reader(io.StringIO(text))
    except (ValueError, EOFError, OSError, zlib.error, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}; run it again with --fresh") from error
    try:
        ids, *columns = zip(header, *rows, strict=True)
        logits = np.array([list(map(float, column[1:])) for column in columns], np.float32).T
        if not logits.size:
            raise ValueError
    except ValueError:
        raise UserError(f"{path}: {_unreadable(header, rows)}; run it again with --fresh") from None
    return Predictions(ids[1:], logits)


def _unreadable(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Names the first line of a prediction file that is no film with its logits."""
    for number, row in enumerate(rows, start=2):
        try:
            if len(row) == len(header) > 1 and np.array(row[1:], np.float32).size:
                continue
        except ValueError:
            pass
        return f"line {number}, {','.join(row)!r}, is no film with its logits"
    return "it holds no logits"
