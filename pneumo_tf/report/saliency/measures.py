"""Measures of the maps of a row, film by film, as means over its runs.

They come from `explanations.json` in the run folders. Values of a film are averaged over runs first, then
over films. Runs of earlier versions may lack some measures.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Films
from pneumo_tf.evaluation.intervals import FilmMean, mean_over_films
from pneumo_tf.explain.maps import unpack_maps
from pneumo_tf.report.board import Board, Row

GRAD_CAM, LAYER_CAM = "grad_cam", "layer_cam"
MODEL_FREE = ("centre", "edges", "random")
"""Maps made without the model."""

BASELINES = (*MODEL_FREE, "input_gradient")
"""Maps that a method has to beat."""

LOWER_IS_BETTER = ("deletion", "drop")

Values = Mapping[str, Mapping[str, np.ndarray]]
"""(n,) float64 values per film, by map and measure; nan if undefined."""


class StoredMaps(NamedTuple):
    """Grad-CAM maps that a run stored.

    Args:
        ids: Film ids, n of them.
        maps: (n, h, w) float32, 0 or more.
    """

    ids: tuple[str, ...]
    maps: np.ndarray


class Randomization(NamedTuple):
    """Similarity of maps to those of the trained model under weight randomization.

    Args:
        stages: Share of layers with randomized weights and similarity, from the logits alone to all layers.
        next_film: Similarity of the trained model's maps of different films.
    """

    stages: tuple[tuple[float, Values], ...]
    next_film: Values


@dataclass(frozen=True)
class Explanations:
    """Measures of the maps of a row.

    Args:
        row: The row.
        table: Film table that the films are in.
        auc: AUC of the row, mean over runs.
        scored_on: Films that the AUC is of, in words.
        grid: Cells of a map, down and across.
        ids: Ids of the n films that its runs measured.
        titles: Titles of methods and baselines by name.
        values: Measures of the n films, means over runs.
        randomization: Similarity on the same films, None if no run measured it.
        stored: Maps of each run that stored them.
    """

    row: Row
    table: Films
    auc: float
    scored_on: str
    grid: tuple[int, ...]
    ids: tuple[str, ...]
    titles: Mapping[str, str]
    values: Values
    randomization: Randomization | None
    stored: tuple[StoredMaps, ...]

    @property
    def cells(self) -> str:
        """Grid of the maps as text."""
        return f"{' × '.join(map(str, self.grid))} cells"

    @cached_property
    def films(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n,) label, (n,) patient and (n,) subtype of the films."""
        rows = [self.table.rows[at] for at in self.table.indices(self.ids)]
        named = [np.array([getattr(film, key) for film in rows]) for key in ("label", "patient", "subtype")]
        return named[0], named[1], named[2]

    def mean(self, method: str, measure: str, subtypes: Sequence[str] = ()) -> FilmMean:
        """Average a measure over the films, or over those of some subtypes."""
        return self.average(self.values.get(method, {}).get(measure), subtypes)

    def gain(self, method: str, other: str, measure: str) -> FilmMean:
        """Average the gain of a method over another, paired by film."""
        one, two = (self.values.get(name, {}).get(measure) for name in (method, other))
        if one is None or two is None:
            return self.average(None)
        return self.average(two - one if measure in LOWER_IS_BETTER else one - two)

    def average(self, values: np.ndarray | None, subtypes: Sequence[str] = ()) -> FilmMean:
        """Average (n,) values of the films, nan if undefined; None gives a mean over no films."""
        labels, patients, known = self.films
        if values is None:
            return FilmMean(np.nan, np.nan, np.nan, 0)
        chosen = np.isin(known, subtypes) if subtypes else np.ones(len(known), bool)
        return mean_over_films(values[chosen], labels[chosen], patients[chosen])


def read_explanations(board: Board) -> list[Explanations]:
    """Read the explanations of the rows of a board, in its order, without rows that have none."""
    found = [_read(row) for row in board.rows]
    return [one for one in found if one is not None]


def means_over_runs(
    runs: Iterable[tuple[Sequence[str], Sequence[float | None]]], ids: Sequence[str]
) -> np.ndarray:
    """Average values of films over runs.

    Args:
        runs: For each run its film ids and their values.
        ids: Ids of the films to return, n of them.

    Returns:
        (n,) float64, mean over the runs that have a value for the film; nan if none has.
    """
    columns = {run: pd.Series(values, films, float) for run, (films, values) in enumerate(runs)}
    return pd.DataFrame(columns, index=ids, dtype=float).mean(axis=1).to_numpy()


def read_external_explanations(board: Board, dataset: Dataset) -> list[Explanations]:
    """Read the explanations of the rows of a board on external films, without rows that have none."""
    found = []
    for row in board.rows:
        runs, aucs = row.external_explanations(dataset.films), row.external_aucs(dataset.films)
        if runs and aucs:
            auc = float(np.mean(aucs))
            found.append(_average_row(row, runs, dataset.films, auc, f"all films of {dataset.title}"))
    return found


def _read(row: Row) -> Explanations | None:
    runs = row.explanations
    if not runs:
        return None
    return _average_row(row, runs, row.films, row.estimates["auc"].value, "the test films")


def _average_row(
    row: Row, runs: Sequence[Mapping[str, Any]], table: Films, auc: float, scored_on: str
) -> Explanations:
    """Average what the runs of a row stored; see `Explanations`."""
    grid = tuple(runs[0]["grid"])
    ids = tuple(dict.fromkeys(film_id for run in runs for film_id in run["films"]))  # folds differ in theirs
    titles = {name: of["title"] for run in runs for name, of in run["methods"].items()}
    return Explanations(
        row,
        table,
        auc,
        scored_on,
        grid,
        ids,
        titles,
        _average_runs([(run["films"], run["methods"]) for run in runs], ids),
        _read_randomization([run["sanity"] for run in runs if "sanity" in run], ids),
        tuple(
            StoredMaps(tuple(run["films"]), unpack_maps(run["maps"], grid)) for run in runs if "maps" in run
        ),
    )


def _read_randomization(runs: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> Randomization | None:
    if not runs:
        return None
    stages = [
        (
            runs[0]["stages"][at]["share"],
            _average_runs([(run["films"], run["stages"][at]["methods"]) for run in runs], ids),
        )
        for at in range(len(runs[0]["stages"]))
    ]
    return Randomization(
        tuple(stages), _average_runs([(run["films"], run["next_film"]) for run in runs], ids)
    )


def _average_runs(runs: Sequence[tuple[Sequence[str], Mapping[str, Any]]], ids: Sequence[str]) -> Values:
    """Average measures over runs, given as film ids and lists of values by map and measure."""
    means = pd.concat(_tabulate(*run) for run in runs).groupby(level=0).mean().reindex(ids)
    values: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for (name, measure), column in means.items():
        values[name][measure] = column.to_numpy()
    return values


def _tabulate(films: Sequence[str], maps: Mapping[str, Any]) -> pd.DataFrame:
    """Return the measures of a run, with a line per film and a column per map and measure."""
    columns = {(name, measure): values[measure] for name, values in maps.items() for measure in values}
    return pd.DataFrame(columns, films).drop(columns="title", level=1, errors="ignore").astype(float)
