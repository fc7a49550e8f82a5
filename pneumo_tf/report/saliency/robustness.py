"""What a map depends on: the weights, the seed of the training, the method."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from pneumo_tf.evaluation.intervals import FilmMean
from pneumo_tf.explain.maps import KEPT_CELLS, upsample
from pneumo_tf.explain.similarity import compare_maps, compare_with_next_film, standardized_ranks
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number
from pneumo_tf.report.saliency.measures import GRAD_CAM, LAYER_CAM, Explanations, Kept, means_over_runs
from pneumo_tf.report.saliency.tables import table

MEASURES: Mapping[str, str] = {"rank": "rank correlation", "ssim": "SSIM"}
HALF = 0.5
"""Rank correlation from which two maps are more alike than not."""

STAGES: Mapping[str, float] = {
    "Logits": 0.0,
    "a quarter": 0.25,
    "half": 0.5,
    "three quarters": 0.75,
    "all": 1.0,
}
"""Shares of the layers that are drawn anew, from the top; the first stage takes the logits alone."""


def weights(left: Sequence[Explanations]) -> Table:
    """Gives how alike maps stay to those of the trained model while it forgets."""
    lines = [
        (one, method, measure)
        for one in left
        if one.sanity
        for method in (GRAD_CAM, LAYER_CAM)
        for measure in MEASURES
    ]
    labels = [(one.row.name, f"{one.titles[method]}, {MEASURES[measure]}") for one, method, measure in lines]
    means = [
        [*(_at(one, share, method, measure) for share in STAGES.values()), _next(one, method, measure)]
        for one, method, measure in lines
    ]
    return table(("Recipe", "Map"), labels, [*STAGES, "Another film"], means)


def on_weights(one: Explanations) -> str:
    """Says of a row whether its maps change when the weights do."""
    said = [_on_weights(one, method) for method in (GRAD_CAM, LAYER_CAM)]
    return f"{one.row.name}: {'; '.join(said)}."


def changes_with_weights(one: Explanations, method: str = GRAD_CAM) -> str:
    """`yes`, `no`, or `–` where it was not measured.

    A map changes when it is shown to be less than half alike once all weights are drawn anew, and is not
    shown to be more alike than maps of different films. The first alone would pass a map that keeps what
    little is its film's own; the second alone a blob that is the same whatever the film and the weights.
    """
    after, kept = _at(one, 1.0, method, "rank"), _kept_without_weights(one, method)
    if not kept.films:
        return DASH
    return "yes" if after.high < HALF and not kept.above_zero else "no"


def _on_weights(one: Explanations, method: str) -> str:
    title, after, other = one.titles[method], _at(one, 1.0, method, "rank"), _next(one, method, "rank")
    if changes_with_weights(one, method) == DASH:
        return f"no film had a {title} map both before and after all weights were drawn anew"
    said = (
        "changes with the weights" if changes_with_weights(one, method) == "yes" else "is not shown to change"
    )
    return (
        f"{title} {said}: rank correlation {format_number(after.value, 2)} with its map once all weights "
        f"are drawn anew ({after.films} films), {format_number(other.value, 2)} between different films"
    )


class Repeats:
    """How alike the maps of two runs of a row are, film by film, means over pairs of runs.

    Args:
        same: The same film: by measure.
        next_film: Different films.
        others: The same film through other recipes that see the same part of it; the rank correlation.
    """

    def __init__(self, one: Explanations, board: Sequence[Explanations]) -> None:
        self.one, self.runs = one, len(one.kept)
        pairs = [_paired(a, b) for a, b in combinations(one.kept, 2)]
        same = [(ids, compare_maps(a, b)) for ids, a, b in pairs]
        different = [(ids, compare_with_next_film(a, b)) for ids, a, b in pairs]
        self.same = {name: _over_pairs(same, name, one) for name in MEASURES}
        self.next_film = {name: _over_pairs(different, name, one) for name in MEASURES}
        strangers = [_paired(one.kept[0], other) for other in _strangers(one, board)] if self.runs > 1 else []
        self.others = _over_pairs([(ids, {"rank": _rank(a, b)}) for ids, a, b in strangers], "rank", one)

    @property
    def means(self) -> list[FilmMean]:
        """In the order of the table."""
        found = [of[name] for name in MEASURES for of in (self.same, self.next_film)]
        return [self.one.over(values) for values in [*found, self.others]]

    @property
    def ahead(self) -> FilmMean:
        """How much more alike maps of the same film are than those of different films, by rank."""
        return self.one.over(self.same["rank"] - self.next_film["rank"])


def repeats(left: Sequence[Explanations]) -> list[Repeats]:
    """Compares the runs of each row that has two or more with maps."""
    return [Repeats(one, left) for one in left if len(one.kept) > 1]


def seeds(found: Sequence[Repeats]) -> Table:
    """Gives how alike the maps of two runs are, beside those of different films and of other recipes."""
    columns = [
        "Rank correlation",
        "of different films",
        "SSIM",
        "SSIM of different films",
        "Rank correlation with other recipes",
    ]
    labels = [(of.one.row.name, str(of.runs)) for of in found]
    return table(("Recipe", "Runs"), labels, columns, [of.means for of in found])


def on_seed(of: Repeats) -> str:
    """Says of a row whether another run gives the same maps."""
    same, different = (of.one.over(values["rank"]) for values in (of.same, of.next_film))
    if not (same.films and different.films):
        return f"{of.one.row.name}: no film has a map in two runs."
    said = (
        "repeat from run to run beyond what maps of different films share"
        if of.ahead.above_zero
        else "of one film are not shown to be more alike from run to run than maps of different films"
    )
    return (
        f"{of.one.row.name}: maps {said}: rank correlation {format_number(same.value, 2)}, of different "
        f"films {format_number(different.value, 2)}."
    )


def in_two_runs(of: Repeats) -> str:
    """`0.62 (0.31)`: the rank correlation of the same film, and of different films."""
    same, different = (of.one.over(values["rank"]) for values in (of.same, of.next_film))
    return f"{format_number(same.value, 2)} ({format_number(different.value, 2)})"


def _at(one: Explanations, share: float, method: str, measure: str) -> FilmMean:
    if one.sanity is None or not one.sanity.stages:
        return one.over(None)
    _, values = min(one.sanity.stages, key=lambda stage: abs(stage[0] - share))
    return one.over(values.get(method, {}).get(measure))


def _next(one: Explanations, method: str, measure: str) -> FilmMean:
    return one.over(one.sanity.next_film.get(method, {}).get(measure) if one.sanity else None)


def _kept_without_weights(one: Explanations, method: str) -> FilmMean:
    """How much more alike maps are to those of all weights drawn anew than to those of different films."""
    if one.sanity is None or not one.sanity.stages:
        return one.over(None)
    (_, last), other = one.sanity.stages[-1], one.sanity.next_film
    return one.over(last[method]["rank"] - other[method]["rank"])


def _strangers(one: Explanations, board: Sequence[Explanations]) -> list[Kept]:
    """The first run of other recipes that see the same part of a film."""
    seen = one.row.recipe.fit, one.row.recipe.edge_crop
    return [
        other.kept[0]
        for other in board
        if other.kept
        and other.row.recipe.name != one.row.recipe.name
        and (other.row.recipe.fit, other.row.recipe.edge_crop) == seen
    ]


def _paired(a: Kept, b: Kept) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Films that both have, and the maps of each."""
    place = {film_id: at for at, film_id in enumerate(b.ids)}
    shared = [at for at, film_id in enumerate(a.ids) if film_id in place]
    ids = [a.ids[at] for at in shared]
    return ids, a.maps[shared], b.maps[[place[film_id] for film_id in ids]]


def _rank(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation of maps of different grids."""
    return (standardized_ranks(upsample(a, KEPT_CELLS)) * standardized_ranks(upsample(b, KEPT_CELLS))).sum(
        axis=1
    )


def _over_pairs(
    pairs: Sequence[tuple[Sequence[str], Mapping]], measure: str, one: Explanations
) -> np.ndarray:
    return means_over_runs([(ids, values[measure]) for ids, values in pairs], one.ids)
