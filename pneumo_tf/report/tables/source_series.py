"""The table of specificity by the source series of the normal films."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.data.datasets.kermany import source_series
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import decimals_of, format_number

LEAD = (
    "Normal test films are of two numberings, perhaps two archives. A model that took on a series' look "
    "instead of its lungs is right on one of them. Means over seeds, at probability 0.5."
)


def specificity_by_series(rows: Sequence[Row]) -> Table:
    """A line for each row; none where the normals are not known to be of several series."""
    films = _films_of_series(rows[0].test[0]) if rows else {}
    header = ("Recipe", *(f"{name} ({len(ids)} films)" for name, ids in films.items()))
    if len(films) < 2:
        return Table(header, [])
    decimals = decimals_of([row.estimates["specificity"] for row in rows], "specificity")
    lines = []
    for row in rows:
        shares = [[_share_cleared(run, ids) for run in row.test] for ids in films.values()]
        lines.append((row.name, *(format_number(float(np.mean(share)), decimals) for share in shares)))
    return Table(header, lines)


def _films_of_series(films: LabelledPredictions) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for film, label in zip(films.ids, films.labels, strict=True):
        series = source_series(film)
        if label == 0 and series != "unknown":
            found.setdefault(series, set()).add(film)
    return dict(sorted(found.items()))


def _share_cleared(run: LabelledPredictions, ids: set[str]) -> float:
    chosen = np.array([film in ids for film in run.ids])
    return float(np.mean(run.score[chosen] <= 0))
