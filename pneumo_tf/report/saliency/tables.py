"""How far maps point at what they should: tables of methods beside baselines, and what they say in words."""

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
from pneumo_tf.report.saliency.measures import BASELINES, GRAD_CAM, KNOW_NOTHING, LAYER_CAM, Explanations

Columns = Mapping[str, tuple[str, tuple[str, ...]]]
"""By title the measure, and the subtypes it is averaged over, all films where none are named."""

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
    "Drop ↓": ("drop", ()),
    "Rise ↑": ("rise", ()),
}
AGREEMENT: Columns = {"Rank correlation": ("rank", ()), "SSIM": ("ssim", ())}


def by_map(left: Sequence[Explanations], columns: Columns) -> Table:
    """Gives a line per row and map; lines and columns that no film has a value for are out.

    Args:
        left: What the rows of a board left.
        columns: What is measured.
    """
    lines = [(one, name) for one in left for name in one.titles]
    means = [[one.mean(name, *of) for of in columns.values()] for one, name in lines]
    main = [at for at, (measure, _) in enumerate(columns.values()) if measure != "empty"]
    shown = [at for at, of in enumerate(means) if any(of[column].films for column in main)]
    labels = [(lines[at][0].row.name, _bold(lines[at][0].titles[lines[at][1]], lines[at][1])) for at in shown]
    return table(("Recipe", "Map"), labels, list(columns), [means[at] for at in shown])


def lead_over_baselines(left: Sequence[Explanations], measure: str) -> Table:
    """Gives how far Grad-CAM and LayerCAM are ahead of each baseline, paired by film; bold above zero."""
    lines = [(one, name) for one in left for name in (GRAD_CAM, LAYER_CAM) if name in one.titles]
    means = [[one.ahead(name, baseline, measure) for baseline in BASELINES] for one, name in lines]
    lines = [line for line, of in zip(lines, means, strict=True) if any(mean.films for mean in of)]
    means = [of for of in means if any(mean.films for mean in of)]
    labels = [(one.row.name, one.titles[name]) for one, name in lines]
    titles = next((one.titles for one, _ in lines), {})
    header = [titles.get(name, name) for name in BASELINES]
    return table(("Recipe", "Map"), labels, header, means, difference=True)


def table(
    header: Sequence[str],
    labels: Sequence[Sequence[str]],
    columns: Sequence[str],
    means: Sequence[Sequence[FilmMean]],
    *,
    difference: bool = False,
) -> Table:
    """Lays means with their intervals under columns.

    Args:
        header: Titles of the labels.
        labels: Of each line; the first is said once where lines share it.
        columns: Titles of the means; a column without any is left out.
        means: By line, then column.
        difference: Show signs, and what is above zero in bold.
    """
    used = [at for at in range(len(columns)) if any(of[at].films for of in means)]
    decimals = [supported_decimals([(of[at].high - of[at].low) / 2 for of in means], 2) for at in used]
    lines, before = [], ""
    for label, of in zip(labels, means, strict=True):
        cells = [_cell(of[at], digits, difference) for at, digits in zip(used, decimals, strict=True)]
        lines.append((label[0] if label[0] != before else "", *label[1:], *cells))
        before = label[0]
    return Table((*header, *(columns[at] for at in used)), lines, left=len(header))


def points(one: Explanations) -> str:
    """Says which baselines a row's maps beat in the pointing game, and where not all, what bounds them."""
    said = "; ".join(
        f"{one.titles[method]} {against_baselines(one, method, 'pointing')}"
        for method in (GRAD_CAM, LAYER_CAM)
        if method in one.titles
    )
    missed = len(beaten(one, GRAD_CAM, "pointing")) < len(_compared(one, GRAD_CAM, "pointing"))
    bound = f" {_bound(one)}" if missed and one.mean(CEILING, "pointing").films else ""
    return f"{one.row.name}: in the pointing game {said}.{bound}"


def needs(one: Explanations) -> str:
    """Says of a row which baselines Grad-CAM beats by deletion and by ROAD."""
    parts = [
        f"by {how} Grad-CAM {against_baselines(one, GRAD_CAM, measure)}"
        for how, measure in (("deletion", "deletion"), ("ROAD", "road"))
        if one.mean(GRAD_CAM, measure).films
    ]
    return f"{one.row.name}: {'; '.join(parts) or 'no film is called pneumonia, so nothing is taken away'}."


def beaten(one: Explanations, method: str, measure: str) -> list[str]:
    """Baselines that a method beats by an interval that excludes zero."""
    return [name for name, mean in _compared(one, method, measure).items() if mean.above_zero]


def counted(one: Explanations, method: str, measure: str) -> str:
    """How many baselines a method beats: `3 of 4`."""
    compared = _compared(one, method, measure)
    return f"{len(beaten(one, method, measure))} of {len(compared)}" if compared else DASH


def against_baselines(one: Explanations, method: str, measure: str) -> str:
    """Says which baselines a method beats, and which not."""
    compared = _compared(one, method, measure)
    if all(mean.above_zero for mean in compared.values()):
        return "beats every baseline"
    said = {"beats": [], "is not shown to beat": [], "is beaten by": []}
    for name, mean in compared.items():
        how = "beats" if mean.above_zero else "is beaten by" if mean.high < 0 else "is not shown to beat"
        said[how].append(f"{one.titles[name]} ({format_gain(mean.value)})")
    return " and ".join(f"{how} {', '.join(names)}" for how, names in said.items() if names)


def format_gain(value: float) -> str:
    """Format a difference with two decimals, or with as many as show its first digit."""
    decimals = next((digits for digits in range(2, 7) if round(value, digits)), 2)
    return format_signed(value, decimals)


def _compared(one: Explanations, method: str, measure: str) -> dict[str, FilmMean]:
    means = {name: one.ahead(method, name, measure) for name in BASELINES}
    return {name: mean for name, mean in means.items() if mean.films}


def _bound(one: Explanations) -> str:
    """Says how well the grid lets any map point, and how good the model is."""
    own, allowed = one.mean(GRAD_CAM, "pointing").value, one.mean(CEILING, "pointing").value
    if not all(one.ahead(CEILING, name, "pointing").above_zero for name in KNOW_NOTHING):
        coarse = "are too coarse to point with"
    else:
        short = one.ahead(CEILING, GRAD_CAM, "pointing").above_zero
        coarse = "are not the reason" if short else "may be the reason"
    auc = one.row.estimates["auc"].value
    return (
        f"Its {one.cells} {coarse}: the opacity itself, drawn on them, hits {format_number(allowed, 2)}, "
        f"Grad-CAM {format_number(own, 2)}. The model's AUC on the test films is {format_number(auc, 2)}."
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
