"""Shortcut alarm: share of Grad-CAM on the border and in the corners, outside the lungs."""

from collections.abc import Mapping, Sequence

from pneumo_tf.data.films import CLASSES
from pneumo_tf.evaluation.intervals import FilmMean
from pneumo_tf.evaluation.metrics import outcome_of
from pneumo_tf.explain.shortcut import BORDER_AREA, CORNER_AREA, largest_shares, shares_by_group
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number
from pneumo_tf.report.saliency.measures import GRAD_CAM, Explanations
from pneumo_tf.report.saliency.tables import means_table

GROUPS = (*CLASSES, "TP", "FP", "FN", "TN")
WORST = 2

LEAD = (
    "Share of Grad-CAM in the outer 10 % of the film, by class and by outcome, and in its corners, squares "
    "of 20 % of the side: side markers, letters and collimation lie there. A map without preference has "
    f"{BORDER_AREA:.2f} on the border and {CORNER_AREA:.2f} in the corners. Outside: share on the air around "
    "the patient. Empty maps have no share. Outcomes are those of the first run."
)


def border_table(left: Sequence[Explanations]) -> Table:
    """Return the table of the shortcut alarm, one line per row of the board."""
    measured = [one for one in left if "border" in one.values.get(GRAD_CAM, {})]
    labels = [(one.row.label, _worst(one)) for one in measured]
    groups = [_by_group(one) for one in measured]
    means = [
        [
            *(by_group.get(name, one.average(None)) for name in GROUPS),
            one.mean(GRAD_CAM, "corners"),
            one.mean(GRAD_CAM, "outside_body"),
        ]
        for one, by_group in zip(measured, groups, strict=True)
    ]
    return means_table(("Recipe", "Most on the border"), labels, [*GROUPS, "Corners", "Outside"], means)


def _worst(one: Explanations) -> str:
    found = largest_shares(one.values[GRAD_CAM]["border"], one.ids, WORST)
    return ", ".join(f"{_stem(film_id)} ({format_number(share, 2)})" for film_id, share in found) or DASH


def _by_group(one: Explanations) -> Mapping[str, FilmMean]:
    shares = one.values[GRAD_CAM]["border"]
    labels, patients, _ = one.films
    scored = one.row.test[0]
    predicted = dict(zip(scored.ids, scored.predicted, strict=True))
    outcomes = [
        outcome_of(label, predicted[film_id]) if film_id in predicted else ""
        for film_id, label in zip(one.ids, labels, strict=True)
    ]
    classes = [CLASSES[label] for label in labels]
    by_class = shares_by_group(shares, classes, labels, patients)
    return {**by_class, **shares_by_group(shares, outcomes, labels, patients)}


def _stem(film_id: str) -> str:
    return film_id.rsplit("/", 1)[-1].rsplit(".", 1)[0]
