"""Shortcut alarm: how much of Grad-CAM lies on the border and in the corners, where no lung is."""

from collections.abc import Iterator

import numpy as np

from pneumo_tf.evaluation.film_means import mean_over_films
from pneumo_tf.report.explanation import METHOD, Explanations, read_explanations
from pneumo_tf.report.markdown import DASH, Table, number, supported_decimals, with_interval
from pneumo_tf.report.rows import Board

GROUPS = ("normal", "pneumonia", "TP", "FP", "FN", "TN")
WORST = 2

LEAD = (
    "Share of Grad-CAM in the outer 10 % of the film, by class and by outcome, and in its corners, squares "
    "of 20 % of the side: side markers, letters and collimation lie there. A map without preference has "
    "0.36 on the border and 0.16 in the corners. Empty maps have no share. Outcomes are of the first run."
)


def alarm(board: Board) -> Table:
    """Gives the table of a board, a line per row that left measures."""
    lines = [line for line in map(_means, read_explanations(board)) if line]
    if not lines:
        return Table((), ())
    half = [(mean.high - mean.low) / 2 for _, means, _ in lines for mean in means]
    decimals = supported_decimals(half, 2)
    cells = [
        [name, *(with_interval(mean, decimals) if mean.films else DASH for mean in means), worst]
        for name, means, worst in lines
    ]
    return Table(("Recipe", *GROUPS, "Corners", "Most on the border"), cells)


def _means(left: Explanations) -> tuple[str, list, str] | None:
    border = left.values.get(METHOD, {}).get("border")
    if border is None:
        return None
    labels, patients, _ = left.films
    groups = dict(_members(left))
    means = [
        mean_over_films(border[of], labels[of], patients[of]) for of in (groups[name] for name in GROUPS)
    ]
    means.append(mean_over_films(left.values[METHOD]["corners"], labels, patients))
    order = np.argsort(-np.nan_to_num(border, nan=-1.0), kind="stable")[:WORST]
    worst = [f"{_stem(left.ids[at])} ({number(border[at], 2)})" for at in order if np.isfinite(border[at])]
    return left.row.name, means, ", ".join(worst) or DASH


def _members(left: Explanations) -> Iterator[tuple[str, np.ndarray]]:
    labels, _, _ = left.films
    yield "normal", labels == 0
    yield "pneumonia", labels == 1
    scored = left.row.test[0]
    called = dict(zip(scored.ids, scored.predicted, strict=True))
    outcomes = [
        ("TN", "FP", "FN", "TP")[2 * int(label) + int(called[film_id])] if film_id in called else ""
        for film_id, label in zip(left.ids, labels, strict=True)
    ]
    for outcome in GROUPS[2:]:
        yield outcome, np.array(outcomes) == outcome


def _stem(film_id: str) -> str:
    return film_id.rsplit("/", 1)[-1].rsplit(".", 1)[0]
