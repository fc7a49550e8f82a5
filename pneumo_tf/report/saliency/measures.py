"""What the runs of a row measured of their maps: values film by film, means over runs.

Everything comes from `explanations.json`, which the worker leaves in the run folder. Values of one film are
averaged over the runs of a row before films are. Runs of before may lack some.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from pneumo_tf.evaluation.intervals import FilmMean, mean_over_films
from pneumo_tf.evaluation.ratio import ratio
from pneumo_tf.explain.maps import unpack_maps
from pneumo_tf.report.board import Board, Row

GRAD_CAM, LAYER_CAM = "grad_cam", "layer_cam"
KNOW_NOTHING = ("centre", "edges", "random")
"""Maps that are made without the model."""

BASELINES = (*KNOW_NOTHING, "input_gradient")
"""What a method has to beat."""

LOWER_IS_BETTER = ("deletion", "drop")

Values = Mapping[str, Mapping[str, np.ndarray]]
"""By map and measure (n,) float64 per film, nan where a film has none."""


class Kept(NamedTuple):
    """Grad-CAM maps that a run kept.

    Args:
        ids: Of the films, n.
        maps: (n, h, w) float32, 0 or more.
    """

    ids: tuple[str, ...]
    maps: np.ndarray


class Sanity(NamedTuple):
    """How alike maps are to those of the trained model while it forgets.

    Args:
        stages: The share of layers that are drawn anew, and the values.
        next_film: The trained model's maps of different films.
    """

    stages: tuple[tuple[float, Values], ...]
    next_film: Values


@dataclass(frozen=True)
class Explanations:
    """What the runs of a row measured of their maps.

    Args:
        row: The row.
        grid: Cells of a map, down and across.
        ids: Films that its runs measured.
        titles: Of the methods and baselines, by name.
        values: Over the films of `ids`, means over runs.
        sanity: Over the same films, None where no run measured it.
        kept: Of each run that kept maps.
    """

    row: Row
    grid: tuple[int, ...]
    ids: tuple[str, ...]
    titles: Mapping[str, str]
    values: Values
    sanity: Sanity | None
    kept: tuple[Kept, ...]

    @property
    def cells(self) -> str:
        """The grid in words."""
        return f"{' × '.join(map(str, self.grid))} cells"

    @cached_property
    def films(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Label, patient and subtype of each film, (n,) each."""
        rows = [self.row.films.rows[at] for at in self.row.films.indices(self.ids)]
        named = [np.array([getattr(film, key) for film in rows]) for key in ("label", "patient", "subtype")]
        return named[0], named[1], named[2]

    def mean(self, method: str, measure: str, subtypes: Sequence[str] = ()) -> FilmMean:
        """Averages a measure over the films, or over those of some subtypes."""
        return self.over(self.values.get(method, {}).get(measure), subtypes)

    def ahead(self, method: str, other: str, measure: str) -> FilmMean:
        """Averages how much better a method is than another, paired film by film."""
        one, two = (self.values.get(name, {}).get(measure) for name in (method, other))
        if one is None or two is None:
            return self.over(None)
        return self.over(two - one if measure in LOWER_IS_BETTER else one - two)

    def over(self, values: np.ndarray | None, subtypes: Sequence[str] = ()) -> FilmMean:
        """Averages (n,) values of the films, nan where one has none; `None` gives a mean of no film."""
        labels, patients, known = self.films
        if values is None:
            return FilmMean(np.nan, np.nan, np.nan, 0)
        chosen = np.isin(known, subtypes) if subtypes else np.ones(len(known), bool)
        return mean_over_films(values[chosen], labels[chosen], patients[chosen])


def read_explanations(board: Board) -> list[Explanations]:
    """Reads what the rows of a board left, in the board's order, without rows that left nothing."""
    found = [_read(row) for row in board.rows]
    return [one for one in found if one is not None]


def means_over_runs(
    runs: Iterable[tuple[Sequence[str], Sequence[float | None]]], ids: Sequence[str]
) -> np.ndarray:
    """Averages values of films over runs.

    Args:
        runs: Of each the films and their values.
        ids: Films to give.

    Returns:
        (len(ids),) float64, over the runs that have a value for the film; nan where none has.
    """
    columns = [[dict(zip(*run, strict=True)).get(film_id) for film_id in ids] for run in runs]
    stacked = np.array(columns, float).reshape(-1, len(ids))  # None becomes nan
    counts = np.isfinite(stacked).sum(axis=0)
    return ratio(np.nansum(stacked, axis=0), counts)


def _read(row: Row) -> Explanations | None:
    runs = [left for left in (run.read_json("explanations.json") for run in row.runs) if left]
    if not runs:
        return None
    grid = tuple(runs[0]["grid"])
    ids = tuple(dict.fromkeys(film_id for run in runs for film_id in run["films"]))  # folds differ in theirs
    titles = {name: of["title"] for run in runs for name, of in run["methods"].items()}
    return Explanations(
        row,
        grid,
        ids,
        titles,
        _joined([(run["films"], run["methods"]) for run in runs], ids),
        _sanity([run["sanity"] for run in runs if "sanity" in run], ids),
        tuple(Kept(tuple(run["films"]), unpack_maps(run["maps"], grid)) for run in runs if "maps" in run),
    )


def _sanity(runs: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> Sanity | None:
    if not runs:
        return None
    stages = [
        (
            runs[0]["stages"][at]["share"],
            _joined([(run["films"], run["stages"][at]["methods"]) for run in runs], ids),
        )
        for at in range(len(runs[0]["stages"]))
    ]
    return Sanity(tuple(stages), _joined([(run["films"], run["next_film"]) for run in runs], ids))


def _joined(runs: Sequence[tuple[Sequence[str], Mapping[str, Any]]], ids: Sequence[str]) -> Values:
    """Joins what runs measured of maps: of each run the films, and by map and measure the lists of values."""
    measures = {
        name: dict.fromkeys(
            measure for _, maps in runs for measure in maps.get(name, {}) if measure != "title"
        )
        for name in dict.fromkeys(name for _, maps in runs for name in maps)
    }
    return {
        name: {
            measure: means_over_runs(
                [(films, maps[name][measure]) for films, maps in runs if measure in maps.get(name, {})], ids
            )
            for measure in of
        }
        for name, of in measures.items()
    }
