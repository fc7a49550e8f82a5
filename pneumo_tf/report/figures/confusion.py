"""Figure of the confusion matrices of all rows."""

from collections.abc import Iterator

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from pneumo_tf.data.films import CLASSES
from pneumo_tf.evaluation.metrics import count_outcomes
from pneumo_tf.evaluation.ratio import ratio
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import comparable, over_runs
from pneumo_tf.report.figures.picture import Picture

COLUMNS = 4


def mean_confusion_matrix(row: Row) -> np.ndarray:
    """(2, 2) counts at the operating point, [[TN, FP], [FN, TP]], the mean over the runs of a row."""
    return np.mean([count_outcomes(run.labels, run.score) for run in row.test], axis=0).reshape(2, 2)


def draw_confusion_matrix(ax: Axes, counts: np.ndarray, size: float = style.TEXT) -> None:
    """Draw a confusion matrix with the percentage of the true label below each count, shaded by it.

    Args:
        ax: Panel to draw in.
        counts: (2, 2), true labels in rows, predicted ones in columns.
        size: Font size in points.
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = ratio(counts, totals, empty=0.0)
    ax.imshow(shares, cmap=colormaps["Blues"], vmin=0, vmax=1.15, aspect="auto")
    for (true, predicted), count in np.ndenumerate(counts):
        number = f"{count:.0f}" if np.allclose(counts, np.rint(counts)) else f"{count:.1f}"
        share = f"{shares[true, predicted]:.0%}" if totals[true] else "no films"
        ink = "white" if shares[true, predicted] > 0.8 else style.INK
        ax.text(predicted, true, f"{number}\n{share}", ha="center", va="center", color=ink, size=size)
    ax.set_xticks((0, 1), CLASSES)
    ax.set_yticks((0, 1), CLASSES, rotation=90, va="center")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def draw_confusion_matrices(board: Board) -> Iterator[Picture]:
    """Draw one page of confusion matrices per protocol."""
    for group in comparable(board):
        count = len(group.rows)
        columns = min(COLUMNS, count)
        figure, axes = style.page(
            style.rows_for(count, columns),
            columns,
            (1.75, 1.25),
            (0.5, 0.68),
            style.Margins(0.6, 0.35, 0.75, 0.62),
        )
        for ax, row in zip(axes.flat, group.rows, strict=False):
            draw_confusion_matrix(ax, mean_confusion_matrix(row))
            ax.set_title(f"{style.fold(row.name, 26)}\n{over_runs(row)}", size=style.SMALL)
        style.drop(axes.flat[count:])
        style.heading(figure, "Confusion matrices")
        axes[-1, 0].set_xlabel("predicted")
        axes[0, 0].set_ylabel("true")
        yield Picture(
            f"confusion-{group.protocol}",
            "True labels in rows, predicted labels at probability 0.5 in columns; percentages by row. Counts "
            "are the mean over the runs of a row. Better: dark on the diagonal, pale off it; the lower "
            "left cell is pneumonia that was missed.",
            figure,
            group.note,
        )
