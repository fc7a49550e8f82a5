"""Evaluation sheets: all results of one recipe on one page."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import describe_test_films, finished_rows, over_runs
from pneumo_tf.report.figures.confusion import draw_confusion_matrix, mean_confusion_matrix
from pneumo_tf.report.figures.histograms import draw_score_histogram, legend_entries
from pneumo_tf.report.figures.key_numbers import WIDTH, key_numbers, provenance, write_column
from pneumo_tf.report.figures.operating_curves import (
    Curve,
    mean_precision,
    mean_roc,
    operating_point,
    precision_point,
    roc_point,
    roc_points,
)
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.figures.training import chosen_on, draw_auc, draw_loss, kept_epoch


def draw_evaluation_sheets(board: Board) -> Iterator[Picture]:
    """Draw one page per row with a finished run, the best of each protocol first."""
    for row in finished_rows(board):
        yield Picture(
            f"sheet-{row.name}-{row.protocol}",
            "All results of a row. Scores and training curves are those of the first run; thin lines are "
            "single runs, dots mark a probability of 0.5.",
            _page(board, row),
            f"{row.name} under the protocol {row.protocol}: {over_runs(row)}.",
        )


def _page(board: Board, row: Row) -> Figure:
    figure, axes = style.page(2, 3, (2.0, 2.0), (0.58, 0.75), style.Margins(WIDTH + 0.72, 0.2, 0.65, 0.65))
    scope = f"protocol {row.protocol} · {over_runs(row)} · {describe_test_films(row.test[0])}"
    style.heading(figure, f"Evaluation of {row.name}", scope)
    write_column(figure, key_numbers(row), provenance(board, row))
    draw_confusion_matrix(axes[0, 0], mean_confusion_matrix(row))
    axes[0, 0].set(title=f"Confusion ({over_runs(row)})", xlabel="predicted", ylabel="true")
    _draw_roc(axes[0, 1], row)
    _draw_precision(axes[0, 2], row)
    _draw_scores(axes[1, 0], row)
    _draw_training(axes[1, 1], axes[1, 2], row)
    return figure


def _draw_roc(ax: Axes, row: Row) -> None:
    single = [roc_points(run) for run in row.test] if len(row.test) > 1 else []
    _draw_curves(ax, single, mean_roc(row.test), operating_point(row.test, roc_point))
    ax.plot((0, 1), (0, 1), color=style.RULE, lw=1, zorder=0)
    ax.set(title="ROC", xlabel="false positive rate", ylabel="sensitivity")


def _draw_precision(ax: Axes, row: Row) -> None:
    single = [mean_precision([run]) for run in row.test] if len(row.test) > 1 else []
    _draw_curves(ax, single, mean_precision(row.test), operating_point(row.test, precision_point))
    ax.axhline(float(row.test[0].labels.mean()), color=style.QUIET, lw=0.8, ls=(0, (1, 1.5)))
    ax.set(title="Precision-recall", xlabel="recall", ylabel="precision")


def _draw_curves(ax: Axes, single: list[Curve], mean: Curve, point: tuple[float, float]) -> None:
    # One artist for the curves of all runs, since there may be many.
    runs = [np.column_stack([curve.x, curve.y]) for curve in single if curve.defined]
    ax.add_collection(LineCollection(runs, colors=style.CYCLE[4], linewidths=0.7, zorder=1.5), autolim=False)
    if mean.defined:
        ax.plot(*mean, color=style.NORMAL, lw=1.6)
        ax.plot(*point, "o", color=style.NORMAL, ms=5, mec="white", mew=0.8)
    else:
        style.write_undefined(ax, "not defined:\nfilms of one class")
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    style.unit_ticks(ax.xaxis, ax.yaxis)
    ax.grid()


def _draw_scores(ax: Axes, row: Row) -> None:
    draw_score_histogram(ax, row.test[0])
    ax.set_title("Scores (first run)")
    # Leave room for the legend above the bars.
    ax.set_ylim(0, 1.35 * ax.get_ylim()[1])
    entries = legend_entries(row.test[0])
    ax.legend(
        entries.values(),
        entries.keys(),
        loc="upper left",
        fontsize=style.SMALL,
        handlelength=1.2,
        borderaxespad=0.1,
        labelspacing=0.25,
        frameon=True,
        framealpha=1,
        edgecolor="none",
    )


def _draw_training(loss: Axes, auc: Axes, row: Row) -> None:
    history = row.history
    if not history:
        for ax in (loss, auc):
            style.bare(ax)
        style.write_undefined(loss, "not trained by gradient descent")
        return
    draw_loss(loss, history, chosen_on(row))
    loss.set(title="Loss (first run)", xlabel="epoch", ylabel="loss")
    # Leave room for the legend above the curves.
    loss.set_ylim(0, 1.2 * loss.get_ylim()[1])
    loss.legend(fontsize=style.SMALL, handlelength=1.4, loc="upper right", ncols=2, borderaxespad=0.1)
    draw_auc(auc, history, kept_epoch(row))
    auc.set(title=f"{chosen_on(row).capitalize()} AUC (first run)", xlabel="epoch", ylabel="AUC")
    if auc.get_legend_handles_labels()[0][1:] or kept_epoch(row) is not None:
        auc.legend(fontsize=style.SMALL, loc="lower right", handletextpad=0.2)
