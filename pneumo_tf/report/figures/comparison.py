"""Figure of the metrics of all rows with their intervals."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, comparable
from pneumo_tf.report.figures.picture import Picture

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "macro_f1")


def draw_metrics(board: Board) -> Iterator[Picture]:
    """Draw one page of dots and intervals per protocol."""
    for group in comparable(board):
        rows = sorted(zip(group.rows, group.strokes, strict=True), key=lambda pair: _place(pair[0]))
        yield _page(group, [row for row, _ in rows], [stroke for _, stroke in rows])


def _place(row: Row) -> tuple[float, str]:
    return -np.nan_to_num(row.estimates["auc"].value, nan=-1.0), row.name


def _page(group: Comparable, rows: Sequence[Row], strokes: Sequence[style.Stroke]) -> Picture:
    names = [style.fold(row.name, 34) for row in rows]
    left = style.inches(names) + 0.15
    figure, axes = style.page(
        1, len(SHOWN), (1.5, 0.3 * len(names) + 0.15), (0.22, 0.3), style.Margins(left, 0.2, 0.6, 0.55)
    )
    for ax, metric in zip(axes[0], SHOWN, strict=True):
        _dots(ax, [row.estimates[metric] for row in rows], strokes)
        ax.set_title(METRICS[metric].title)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].tick_params(axis="y", length=0, labelsize=style.TEXT)
    for ax in axes[0, 1:]:
        ax.set_yticks(range(len(names)))
        ax.tick_params(axis="y", length=0, labelleft=False)
    style.heading(figure, "Metrics with 95 % intervals")
    return Picture(
        f"metrics-{group.protocol}",
        "Metrics on the test films at probability 0.5, ordered by AUC: dots are means over runs, bars 95 "
        "% intervals that resample patients and runs, ticks the single runs. Every panel has its own "
        "scale. Better: to the right in every panel. Rows whose bars overlap widely are not told apart "
        "by these films.",
        figure,
        group.note,
    )


def _dots(ax: Axes, estimates: Sequence[Estimate], strokes: Sequence[style.Stroke]) -> None:
    for place, (estimate, stroke) in enumerate(zip(estimates, strokes, strict=True)):
        if np.isnan(estimate.value):
            style.write_undefined(ax, "not defined", 1 - (place + 0.55) / len(estimates))
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
