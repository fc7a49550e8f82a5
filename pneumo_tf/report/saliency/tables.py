"""Tables and verdicts on methods and baselines: localisation, faithfulness and agreement."""

from collections.abc import Mapping, Sequence

from pneumo_tf.evaluation.intervals import FilmMean
from pneumo_tf.explain.measures import CEILING
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import (
    DASH,
    format_number,
    format_signed,
    supported_decimals,
    with_interval,
)
from pneumo_tf.report.saliency.measures import BASELINES, GRAD_CAM, LAYER_CAM, MODEL_FREE, Explanations

Columns = Mapping[str, tuple[str, tuple[str, ...]]]
"""Measure and subtypes to average over, by title; no subtypes means all films."""

POINTING: Columns = {
    "Pointing game ↑": ("pointing", ()),
    "focal ↑": ("pointing", ("bacteria",)),
    "diffuse ↑": ("pointing", ("virus",)),
    "near ↑": ("near", ()),
    "Empty": ("empty", ()),
}
OVERLAP: Columns = {
    "Energy in opacity ↑": ("energy", ()),
    "IoU at half the peak ↑": ("iou", ()),
    "IoU at best ↑": ("best_iou", ()),
    "Energy in lungs ↑": ("lungs", ()),
}
FAITHFULNESS: Columns = {
    "Deletion ↓": ("deletion", ()),
    "Insertion ↑": ("insertion", ()),
    "ROAD ↑": ("road", ()),
    "Average Drop ↓": ("drop", ()),
    "Increase in Confidence ↑": ("rise", ()),
}
AGREEMENT: Columns = {"Rank correlation": ("rank", ()), "SSIM": ("ssim", ())}


def by_map(left: Sequence[Explanations], columns: Columns) -> Table:
    """Return a table with a line per row and map, without empty lines and columns.

    Args:
        left: Explanations of the rows of a board.
        columns: Measures to show.
    """
    lines = [(one, name) for one in left for name in one.titles]
    means = [[one.mean(name, *column) for column in columns.values()] for one, name in lines]
    main = [at for at, (measure, _) in enumerate(columns.values()) if measure != "empty"]
    shown = [at for at, row in enumerate(means) if any(row[column].films for column in main)]
    labels = [
        (lines[at][0].row.label, _bold(lines[at][0].titles[lines[at][1]], lines[at][1])) for at in shown
    ]
    return means_table(("Recipe", "Map"), labels, list(columns), [means[at] for at in shown])


def lead_over_baselines(left: Sequence[Explanations], measure: str) -> Table:
    """Return the gain of Grad-CAM and LayerCAM over each baseline, paired by film; bold above zero."""
    lines = [(one, name) for one in left for name in (GRAD_CAM, LAYER_CAM) if name in one.titles]
    means = [[one.gain(name, baseline, measure) for baseline in BASELINES] for one, name in lines]
    lines = [line for line, row in zip(lines, means, strict=True) if any(mean.films for mean in row)]
    means = [row for row in means if any(mean.films for mean in row)]
    labels = [(one.row.label, one.titles[name]) for one, name in lines]
    titles = next((one.titles for one, _ in lines), {})
    header = [titles.get(name, name) for name in BASELINES]
    return means_table(("Recipe", "Map"), labels, header, means, difference=True)


def means_table(
    header: Sequence[str],
    labels: Sequence[Sequence[str]],
    columns: Sequence[str],
    means: Sequence[Sequence[FilmMean]],
    *,
    difference: bool = False,
) -> Table:
    """Lay out means with their intervals as a table.

    Args:
        header: Titles of the label columns.
        labels: Labels of each line; a first label that repeats the one above is left empty.
        columns: Titles of the columns of means; a column without means is left out.
        means: Means by line, then column.
        difference: Whether to show signs, and values above zero in bold.
    """
    used = [at for at in range(len(columns)) if any(row[at].films for row in means)]
    decimals = [supported_decimals([(row[at].high - row[at].low) / 2 for row in means], 2) for at in used]
    lines, before = [], ""
    for label, row in zip(labels, means, strict=True):
        cells = [_cell(row[at], digits, difference) for at, digits in zip(used, decimals, strict=True)]
        lines.append((label[0] if label[0] != before else "", *label[1:], *cells))
        before = label[0]
    return Table((*header, *(columns[at] for at in used)), lines, left=len(header))


def verdict_on_pointing(one: Explanations) -> str:
    """Describe which baselines a row's maps beat in the pointing game, and if not all, the likely reason."""
    verdict = "; ".join(
        f"{one.titles[method]} {against_baselines(one, method, 'pointing')}"
        for method in (GRAD_CAM, LAYER_CAM)
        if method in one.titles
    )
    missed = len(beaten(one, GRAD_CAM, "pointing")) < len(_compared(one, GRAD_CAM, "pointing"))
    bound = f" {_bound(one)}" if missed and one.mean(CEILING, "pointing").films else ""
    return f"{one.row.label}: in the pointing game {verdict}.{bound}"


def verdict_on_faithfulness(one: Explanations) -> str:
    """Describe which baselines Grad-CAM of a row beats by deletion and by ROAD."""
    parts = [
        f"by {how} Grad-CAM {against_baselines(one, GRAD_CAM, measure)}"
        for how, measure in (("deletion", "deletion"), ("ROAD", "road"))
        if one.mean(GRAD_CAM, measure).films
    ]
    return f"{one.row.label}: {'; '.join(parts) or 'no film is predicted positive, so nothing is removed'}."


def beaten(one: Explanations, method: str, measure: str) -> list[str]:
    """Return the baselines that a method beats, by an interval above zero."""
    return [name for name, mean in _compared(one, method, measure).items() if mean.above_zero]


def count_beaten(one: Explanations, method: str, measure: str) -> str:
    """Return the number of baselines that a method beats, as `3 of 4`."""
    compared = _compared(one, method, measure)
    return f"{len(beaten(one, method, measure))} of {len(compared)}" if compared else DASH


def against_baselines(one: Explanations, method: str, measure: str) -> str:
    """Describe which baselines a method beats and which it does not."""
    compared = _compared(one, method, measure)
    if all(mean.above_zero for mean in compared.values()):
        return "beats every baseline"
    verdicts = {"beats": [], "is not shown to beat": [], "is beaten by": []}
    for name, mean in compared.items():
        how = "beats" if mean.above_zero else "is beaten by" if mean.high < 0 else "is not shown to beat"
        verdicts[how].append(f"{one.titles[name]} ({format_signed(mean.value, 2)})")
    return " and ".join(f"{how} {', '.join(names)}" for how, names in verdicts.items() if names)


def _compared(one: Explanations, method: str, measure: str) -> dict[str, FilmMean]:
    means = {name: one.gain(method, name, measure) for name in BASELINES}
    return {name: mean for name, mean in means.items() if mean.films}


def _bound(one: Explanations) -> str:
    """Describe the limits of pointing: the grid of the maps and the AUC of the model."""
    own, allowed = one.mean(GRAD_CAM, "pointing").value, one.mean(CEILING, "pointing").value
    if not all(one.gain(CEILING, name, "pointing").above_zero for name in MODEL_FREE):
        coarse = "are too coarse to point with"
    else:
        short = one.gain(CEILING, GRAD_CAM, "pointing").above_zero
        coarse = "are not the reason" if short else "may be the reason"
    return (
        f"Its {one.cells} {coarse}: the opacity itself, drawn on them, hits {format_number(allowed, 2)}, "
        f"Grad-CAM {format_number(own, 2)}. The model's AUC on {one.scored_on} is "
        f"{format_number(one.auc, 2)}."
    )


def _cell(mean: FilmMean, decimals: int, difference: bool) -> str:
    if not mean.films:
        return DASH
    if not difference:
        return with_interval(mean, decimals)
    value = format_signed(mean.value, decimals)
    value = f"**{value}**" if mean.above_zero else value
    return f"{value} [{format_signed(mean.low, decimals)} to {format_signed(mean.high, decimals)}]"


def _bold(text: str, method: str) -> str:
    return f"**{text}**" if method == GRAD_CAM else text
