"""How far the maps of a board can be believed: methods beside baselines, film by film.

Everything comes from `explanations.json`, which the worker leaves in the run folder. Values of one film are
averaged over the runs of a row before films are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pneumo_tf.evaluation.film_means import Mean, mean_over_films
from pneumo_tf.report.markdown import DASH, Table, number, supported_decimals, with_interval
from pneumo_tf.report.rows import Board, Row

METHOD, BLOB = "grad_cam", "centre"
COLUMNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Pointing game ↑": ("pointing", ()),
    "focal ↑": ("pointing", ("bacteria",)),
    "diffuse ↑": ("pointing", ("virus",)),
    "near ↑": ("near", ()),
    "Energy in mask ↑": ("energy", ()),
    "Energy in lungs ↑": ("lungs", ()),
    "Deletion ↓": ("deletion", ()),
    "Border share": ("border", ()),
    "Empty": ("empty", ()),
}
"""Columns: the measure, and the subtypes it is averaged over, all films where none are named."""

BORDER_AREA = 0.36
"""Part of a film that is border, the outer 10 %."""

LEAD = (
    "Every map is judged beside maps that know nothing of the model; all stand on the grid of the explained "
    "layer. Pointing game: the largest value lies in the opacity, or near it, within 4 % of the film's side. "
    "Energy: share of the map's sum. Deletion: mean probability of pneumonia while the most marked 40 % of "
    "films called pneumonia are blurred away; where it stays near 1 whatever leads, blur itself reads as "
    f"pneumonia. Border share: energy in the outer 10 % of the film, whose area is {BORDER_AREA}; more is an "
    "alarm. Empty: maps without any evidence for pneumonia, which point nowhere and are never stretched. "
    "[95 %]: percentile bootstrap of patients."
)


@dataclass(frozen=True)
class Explanations:
    """What the runs of a row measured of their maps.

    Args:
        row: The row.
        grid: Cells of a map, down and across.
        ids: Films that its runs measured.
        titles: Of the methods and baselines, by name.
        values: By method and measure, (n,) float64, means over runs, nan where a film has none.
    """

    row: Row
    grid: tuple[int, ...]
    ids: tuple[str, ...]
    titles: Mapping[str, str]
    values: Mapping[str, Mapping[str, np.ndarray]]

    @cached_property
    def films(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Label, patient and subtype of each film, (n,) each."""
        rows = [self.row.films.rows[at] for at in self.row.films.indices(self.ids)]
        named = [np.array([getattr(film, key) for film in rows]) for key in ("label", "patient", "subtype")]
        return named[0], named[1], named[2]

    def mean(self, method: str, measure: str, subtypes: Sequence[str] = ()) -> Mean:
        """Averages a measure over the films, or over those of some subtypes."""
        return self._over(self.values[method].get(measure), subtypes)

    def difference(self, method: str, other: str, measure: str) -> Mean:
        """Averages what a method is ahead of another, paired film by film."""
        one, two = (self.values[name].get(measure) for name in (method, other))
        return self._over(None if one is None or two is None else one - two, ())

    def _over(self, values: np.ndarray | None, subtypes: Sequence[str]) -> Mean:
        labels, patients, known = self.films
        if values is None:
            return Mean(np.nan, np.nan, np.nan, 0)
        chosen = np.isin(known, subtypes) if subtypes else np.ones(len(known), bool)
        return mean_over_films(values[chosen], labels[chosen], patients[chosen])


def read_explanations(board: Board) -> list[Explanations]:
    """Reads what the rows of a board left, in the board's order, without rows that left nothing."""
    found = [_read(row) for row in board.rows]
    return [one for one in found if one is not None]


def _read(row: Row) -> Explanations | None:
    runs = [left for left in (run.read_json("explanations.json") for run in row.runs) if left]
    if not runs:
        return None
    ids = tuple(dict.fromkeys(film_id for run in runs for film_id in run["films"]))  # folds differ in theirs
    titles = {name: of["title"] for name, of in runs[0]["methods"].items()}
    values = {
        name: {measure: _averaged(runs, name, measure, ids) for measure in of if measure != "title"}
        for name, of in runs[0]["methods"].items()
    }
    return Explanations(row, tuple(runs[0]["grid"]), ids, titles, values)


def _averaged(runs: Sequence[dict], method: str, measure: str, ids: Sequence[str]) -> np.ndarray:
    """(n,) the mean over the runs that have a value for the film."""
    columns = []
    for run in runs:
        listed = dict(zip(run["films"], run["methods"][method][measure], strict=True))
        columns.append([listed.get(film_id) for film_id in ids])
    stacked = np.array(columns, float).reshape(len(runs), len(ids))  # None becomes nan
    counts = np.isfinite(stacked).sum(axis=0)
    return np.divide(np.nansum(stacked, axis=0), counts, out=np.full(len(ids), np.nan), where=counts > 0)


def explanation(board: Board) -> Table:
    """Gives the table of a board: a line per row and method; columns that no film has a value for are out."""
    lines = [(left, name) for left in read_explanations(board) for name in left.titles]
    columns = {
        title: [left.mean(name, measure, subtypes) for left, name in lines]
        for title, (measure, subtypes) in COLUMNS.items()
    }
    columns = {title: means for title, means in columns.items() if any(mean.films for mean in means)}
    cells = [[_bold(left.row.name, name), _bold(left.titles[name], name)] for left, name in lines]
    for means in columns.values():
        decimals = supported_decimals([(mean.high - mean.low) / 2 for mean in means], 2)
        for line, mean in zip(cells, means, strict=True):
            line.append(with_interval(mean, decimals) if mean.films else DASH)
    return Table(("Recipe", "Map", *columns), cells, left=2)


def verdicts(board: Board) -> list[str]:
    """Says of each row whether Grad-CAM beats a blob in the middle, one line each."""
    return [_verdict(left) for left in read_explanations(board)]


def _verdict(left: Explanations) -> str:
    pointing = left.difference(METHOD, BLOB, "pointing")
    if pointing.films:
        return _compared(left, pointing, "in the pointing game")
    deletion = left.difference(BLOB, METHOD, "deletion")
    if deletion.films:
        return _compared(left, deletion, "by deletion, for want of outlined opacities")
    return f"{left.row.name}: nothing to compare Grad-CAM with a blob in the middle by."


def _compared(left: Explanations, ahead: Mean, how: str) -> str:
    said = "beats" if ahead.above_zero else "is beaten by" if ahead.high < 0 else "is not shown to beat"
    return (
        f"{left.row.name}: Grad-CAM {said} a blob in the middle {how}: difference {number(ahead.value, 2)} "
        f"[{number(ahead.low, 2)} to {number(ahead.high, 2)}], {ahead.films} films, "
        f"maps of {' × '.join(map(str, left.grid))} cells."
    )


def _bold(text: str, method: str) -> str:
    return f"**{text}**" if method == METHOD else text
