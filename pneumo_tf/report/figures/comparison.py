"""Figure of the metrics of all rows with their intervals."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, groups_to_compare
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.figures.scale import rows_of_scale
from pneumo_tf.report.wording import Wording

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "macro_f1")


def draw_metrics(board: Board) -> Iterator[Picture]:
    """Draw one page of dots and intervals per protocol with two rows or more."""
    for group in groups_to_compare(board):
        yield _page(group, board.wording)


def _page(group: Comparable, wording: Wording) -> Picture:
    names = [style.fold(row.name, 34) for row in group.rows]
    left = style.inches(names) + 0.15
    figure, axes = style.page(
        1, len(SHOWN), (1.5, 0.3 * len(names) + 0.15), (0.22, 0.3), style.Margins(left, 0.2, 0.72, 0.55)
    )
    for ax, metric in zip(axes[0], SHOWN, strict=True):
        _dots(ax, group, metric)
        ax.set_title(METRICS[metric].title)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].tick_params(axis="y", length=0, labelsize=style.TEXT)
    for ax in axes[0, 1:]:
        ax.set_yticks(range(len(names)))
        ax.tick_params(axis="y", length=0, labelleft=False)
    style.heading(figure, "Metrics with 95 % intervals", group.scope)
    return Picture(
        f"metrics-{group.protocol}",
        "Metrics on the test films at probability 0.5, ordered by AUC: dots are means over runs, bars 95 "
        f"% intervals that resample {wording.unit}s and runs, ticks the single runs. Every panel has its own "
        "scale; an arrow points to a trivial row beyond it, with its value. Better: to the right in every "
        "panel. Rows whose bars overlap widely cannot be ranked by these films.",
        figure,
        group.note,
    )


def _dots(ax: Axes, group: Comparable, metric: str) -> None:
    estimates = [row.estimates[metric] for row in group.rows]
    inside = rows_of_scale(group.rows, metric)
    lowest = min(
        (estimate.value for estimate, kept in zip(estimates, inside, strict=True) if kept), default=0
    )
    for place, (estimate, stroke) in enumerate(zip(estimates, group.strokes, strict=True)):
        if np.isnan(estimate.value):
            style.write_undefined(ax, "not defined", 1 - (place + 0.55) / len(estimates))
            continue
        if not inside[place]:
            _point_beyond(ax, place, estimate.value, below=estimate.value < lowest)
            continue
        if len(estimate.runs) > 1:
            ax.plot(estimate.runs, [place] * len(estimate.runs), "|", color=stroke.color, ms=8, mew=0.9)
        ax.plot((estimate.low, estimate.high), (place, place), color=stroke.color, lw=1.6, alpha=0.7)
        ax.plot(estimate.value, place, "o", color=stroke.color, ms=5, mec="white", mew=0.7)
    ax.set_ylim(len(estimates) - 0.45, -0.55)
    if all(np.isnan(estimate.value) for estimate in estimates):
        ax.set_xticks([])
        return
    ax.grid()
    ax.locator_params(axis="x", nbins=3)
    ax.set_xlim(None, min(ax.get_xlim()[1], 1.01))


def _point_beyond(ax: Axes, place: int, value: float, *, below: bool) -> None:
    """Draw an arrow at the edge of the scale, with the value that lies beyond."""
    edge, text, align = (0.02, 0.08, "left") if below else (0.98, 0.92, "right")
    across = ax.get_yaxis_transform()
    ax.plot(edge, place, "<" if below else ">", color=style.QUIET, ms=4, transform=across)
    ax.text(
        text,
        place,
        f"{value:.2f}",
        transform=across,
        ha=align,
        va="center",
        size=style.SMALL,
        color=style.QUIET,
    )
