"""Metrics of all rows side by side, with their intervals."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, comparable
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.rows import Board

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "macro_f1")
Estimates = Sequence[Mapping[str, Estimate]]


def draw(board: Board) -> Iterator[Picture]:
    """Draws one page of dots and intervals per protocol."""
    for group in comparable(board):
        bootstrap = PatientBootstrap()
        estimates = [bootstrap.estimate(row.test, SHOWN) for row in group.rows]
        order = sorted(
            range(len(estimates)),
            key=lambda i: (-np.nan_to_num(estimates[i]["auc"].value, nan=-1.0), group.rows[i].name),
        )
        yield _page(group, [estimates[i] for i in order], order)


def _page(group: Comparable, estimates: Estimates, order: Sequence[int]) -> Picture:
    names = [style.fold(group.rows[i].name, 34) for i in order]
    left = style.inches(names) + 0.15
    figure, axes = style.page(
        1, len(SHOWN), (1.75, 0.3 * len(names) + 0.15), (0.15, 0.3), style.Margins(left, 0.2, 0.6, 0.55)
    )
    strokes = [group.strokes[i] for i in order]
    for ax, metric in zip(axes[0], SHOWN, strict=True):
        _dots(ax, [estimate[metric] for estimate in estimates], strokes)
        ax.set_title(METRICS[metric].title)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].tick_params(axis="y", length=0, labelsize=style.TEXT)
    for ax in axes[0, 1:]:
        ax.set_yticks([])
    style.heading(figure, "Metrics with 95 % intervals")
    return Picture(
        f"metrics-{group.protocol}",
        "Metrics on the test films at probability 0.5, ordered by AUC: dots are means over runs, bars 95 % intervals "
        "that resample patients and runs, ticks the single runs. Every panel has its own scale. Better: to the "
        f"right in every panel. Rows whose bars overlap widely are not told apart by these films. {group.note}",
        figure,
    )


def _dots(ax: Axes, estimates: Sequence[Estimate], strokes: Sequence[style.Stroke]) -> None:
    for place, (estimate, stroke) in enumerate(zip(estimates, strokes, strict=True)):
        if np.isnan(estimate.value):
            ax.text(
                0.5,
                place,
                "not defined",
                transform=ax.get_yaxis_transform(),
                ha="center",
                va="center",
                size=6.5,
                color=style.QUIET,
            )
            continue
        if len(estimate.runs) > 1:
            ax.plot(estimate.runs, [place] * len(estimate.runs), "|", color=stroke.color, ms=8, mew=0.9)
        ax.plot((estimate.low, estimate.high), (place, place), color=stroke.color, lw=1.6, alpha=0.7)
        ax.plot(estimate.value, place, "o", color=stroke.color, ms=5, mec="white", mew=0.7)
    ax.set_ylim(len(estimates) - 0.45, -0.55)
    ax.grid()
    ax.locator_params(axis="x", nbins=4)
