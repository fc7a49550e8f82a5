"""The table of specificity by the source series of the normal films."""

import numpy as np

from pneumo_tf.data.datasets.dataset_source import SourceSeries
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import decimals_of, format_number


def source_series_table(board: Board) -> Table:
    """Return a table with a line for each ranked row; empty unless the normal films are of several series."""
    rows, series = board.ranking, board.source.series
    films = _films_of_series(rows[0].test[0], series) if rows and series else {}
    header = ("Recipe", *(f"{name} ({len(ids)} films)" for name, ids in films.items()))
    if len(films) < 2:
        return Table(header, [])
    decimals = decimals_of([row.estimates["specificity"] for row in rows], "specificity")
    lines = []
    for row in rows:
        shares = [[_specificity_on(run, ids) for run in row.test] for ids in films.values()]
        lines.append((row.name, *(format_number(float(np.mean(share)), decimals) for share in shares)))
    return Table(header, lines, lead=f"{series.note} Means over seeds, at probability 0.5.")


def _films_of_series(films: LabelledPredictions, series: SourceSeries) -> dict[str, set[str]]:
    """Return the ids of normal films by series."""
    found: dict[str, set[str]] = {}
    for film, label in zip(films.ids, films.labels, strict=True):
        name = series.of(film)
        if label == 0 and name:
            found.setdefault(name, set()).add(film)
    return dict(sorted(found.items()))


def _specificity_on(run: LabelledPredictions, ids: set[str]) -> float:
    chosen = np.array([film in ids for film in run.ids])
    return float(np.mean(run.score[chosen] <= 0))
