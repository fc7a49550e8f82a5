"""Dependence of maps on the weights and on the seed or fold of the run."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from pneumo_tf.evaluation.intervals import FilmMean
from pneumo_tf.explain.maps import KEPT_CELLS, upsample
from pneumo_tf.explain.similarity import compare_maps, compare_with_next_film, standardized_ranks
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number
from pneumo_tf.report.saliency.measures import GRAD_CAM, LAYER_CAM, Explanations, StoredMaps, means_over_runs
from pneumo_tf.report.saliency.tables import means_table

MEASURES: Mapping[str, str] = {"rank": "rank correlation", "ssim": "SSIM"}
HALF = 0.5
"""Rank correlation below which a map counts as changed."""

STAGES: Mapping[str, float] = {
    "Logits": 0.0,
    "a quarter": 0.25,
    "half": 0.5,
    "three quarters": 0.75,
    "all": 1.0,
}
"""Shares of layers with randomized weights, from the logits down; the first stage is the logits alone."""


def weights_table(left: Sequence[Explanations]) -> Table:
    """Return the table of similarity to the trained model's maps under weight randomization."""
    lines = [
        (one, method, measure)
        for one in left
        if one.randomization
        for method in (GRAD_CAM, LAYER_CAM)
        for measure in MEASURES
    ]
    labels = [(one.row.label, f"{one.titles[method]}, {MEASURES[measure]}") for one, method, measure in lines]
    means = [
        [*(_at(one, share, method, measure) for share in STAGES.values()), _next(one, method, measure)]
        for one, method, measure in lines
    ]
    return means_table(("Recipe", "Map"), labels, [*STAGES, "Another film"], means)


def verdict_on_weights(one: Explanations) -> str:
    """Describe whether the maps of a row change with the weights."""
    verdict = [_on_weights(one, method) for method in (GRAD_CAM, LAYER_CAM)]
    return f"{one.row.label}: {'; '.join(verdict)}."


def changes_with_weights(one: Explanations, method: str = GRAD_CAM) -> str:
    """Return `yes`, `no`, or `–` if it was not measured.

    A map changes with the weights if, with all weights randomized, its rank correlation with the trained
    model's map is significantly below `HALF`, and not significantly above that of maps of different films.
    Both are necessary. The first alone also holds for maps that stay slightly similar for the same film, the
    second alone for a blob that depends neither on the film nor on the weights.
    """
    after, excess = _at(one, 1.0, method, "rank"), _excess_similarity(one, method)
    if not excess.films:
        return DASH
    return "yes" if after.high < HALF and not excess.above_zero else "no"


def _on_weights(one: Explanations, method: str) -> str:
    title, after, other = one.titles[method], _at(one, 1.0, method, "rank"), _next(one, method, "rank")
    if changes_with_weights(one, method) == DASH:
        return f"no film had a {title} map both before and after all weights were randomized"
    verdict = (
        "changes with the weights" if changes_with_weights(one, method) == "yes" else "is not shown to change"
    )
    return (
        f"{title} {verdict}: rank correlation {format_number(after.value, 2)} with all weights "
        f"randomized ({after.films} films), {format_number(other.value, 2)} between different films"
    )


class RunSimilarity:
    """Similarity of maps between runs of a row, film by film, as means over pairs of runs.

    Args:
        same: Similarity of maps of the same film, by measure.
        next_film: Similarity of maps of different films, by measure.
        others: Rank correlation with maps of the same film by other recipes of the same crop and fit.
    """

    def __init__(self, one: Explanations, board: Sequence[Explanations]) -> None:
        self.one, self.runs = one, len(one.stored)
        pairs = [_paired(a, b) for a, b in combinations(one.stored, 2)]
        same = [(ids, compare_maps(a, b)) for ids, a, b in pairs]
        different = [(ids, compare_with_next_film(a, b)) for ids, a, b in pairs]
        self.same = {name: _over_pairs(same, name, one) for name in MEASURES}
        self.next_film = {name: _over_pairs(different, name, one) for name in MEASURES}
        unrelated = (
            [_paired(one.stored[0], other) for other in _other_recipes(one, board)] if self.runs > 1 else []
        )
        self.others = _over_pairs([(ids, {"rank": _rank(a, b)}) for ids, a, b in unrelated], "rank", one)

    @property
    def means(self) -> list[FilmMean]:
        """Means over films, in the order of `runs_table`."""
        found = [similarity[name] for name in MEASURES for similarity in (self.same, self.next_film)]
        return [self.one.average(values) for values in [*found, self.others]]

    @property
    def excess(self) -> FilmMean:
        """Rank correlation of maps of the same film minus that of different films."""
        return self.one.average(self.same["rank"] - self.next_film["rank"])


def compare_runs(left: Sequence[Explanations]) -> list[RunSimilarity]:
    """Compare the runs of each row that stored maps in at least two."""
    return [RunSimilarity(one, left) for one in left if len(one.stored) > 1]


def runs_table(found: Sequence[RunSimilarity]) -> Table:
    """Return the table of similarity of two runs, of different films and of other recipes."""
    columns = [
        "Rank correlation",
        "of different films",
        "SSIM",
        "SSIM of different films",
        "Rank correlation with other recipes",
    ]
    labels = [(similarity.one.row.label, str(similarity.runs)) for similarity in found]
    return means_table(("Recipe", "Runs"), labels, columns, [similarity.means for similarity in found])


def verdict_on_runs(similarity: RunSimilarity) -> str:
    """Describe whether another run of a row gives the same maps."""
    same, different = (
        similarity.one.average(values["rank"]) for values in (similarity.same, similarity.next_film)
    )
    if not (same.films and different.films):
        return f"{similarity.one.row.label}: no film has a map in two runs."
    verdict = (
        "repeat from run to run beyond what maps of different films share"
        if similarity.excess.above_zero
        else "of one film are not shown to be more similar between runs than maps of different films"
    )
    return (
        f"{similarity.one.row.label}: maps {verdict}: rank correlation {format_number(same.value, 2)}, of "
        f"different films {format_number(different.value, 2)}."
    )


def summarize_runs(similarity: RunSimilarity) -> str:
    """Return `0.62 (0.31)`: the rank correlation of the same film, and of different films."""
    same, different = (
        similarity.one.average(values["rank"]) for values in (similarity.same, similarity.next_film)
    )
    return f"{format_number(same.value, 2)} ({format_number(different.value, 2)})"


def _at(one: Explanations, share: float, method: str, measure: str) -> FilmMean:
    if one.randomization is None or not one.randomization.stages:
        return one.average(None)
    _, values = min(one.randomization.stages, key=lambda stage: abs(stage[0] - share))
    return one.average(values.get(method, {}).get(measure))


def _next(one: Explanations, method: str, measure: str) -> FilmMean:
    return one.average(
        one.randomization.next_film.get(method, {}).get(measure) if one.randomization else None
    )


def _excess_similarity(one: Explanations, method: str) -> FilmMean:
    """Average similarity to maps with all weights randomized, minus that to maps of different films."""
    if one.randomization is None or not one.randomization.stages:
        return one.average(None)
    (_, last), other = one.randomization.stages[-1], one.randomization.next_film
    return one.average(last[method]["rank"] - other[method]["rank"])


def _other_recipes(one: Explanations, board: Sequence[Explanations]) -> list[StoredMaps]:
    """Return the maps of the first run of other recipes with the same crop and fit."""
    view = one.row.recipe.fit, one.row.recipe.edge_crop
    return [
        other.stored[0]
        for other in board
        if other.stored
        and other.row.recipe.name != one.row.recipe.name
        and (other.row.recipe.fit, other.row.recipe.edge_crop) == view
    ]


def _paired(a: StoredMaps, b: StoredMaps) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the ids of the films in both runs, and the maps of each run."""
    place = {film_id: at for at, film_id in enumerate(b.ids)}
    shared = [at for at, film_id in enumerate(a.ids) if film_id in place]
    ids = [a.ids[at] for at in shared]
    return ids, a.maps[shared], b.maps[[place[film_id] for film_id in ids]]


def _rank(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rank correlation of maps of different grids."""
    return (standardized_ranks(upsample(a, KEPT_CELLS)) * standardized_ranks(upsample(b, KEPT_CELLS))).sum(
        axis=1
    )


def _over_pairs(
    pairs: Sequence[tuple[Sequence[str], Mapping]], measure: str, one: Explanations
) -> np.ndarray:
    return means_over_runs([(ids, values[measure]) for ids, values in pairs], one.ids)
