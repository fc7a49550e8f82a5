"""Figure of the confusion matrices of all rows."""

from collections.abc import Iterator, Sequence

import numpy as np
import seaborn
from matplotlib.axes import Axes

from pneumo_tf.data.films import CLASSES
from pneumo_tf.evaluation.metrics import count_outcomes
from pneumo_tf.evaluation.ratio import ratio
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import groups_to_compare, over_runs
from pneumo_tf.report.figures.picture import Picture

COLUMNS = 4


def mean_confusion_matrix(row: Row) -> np.ndarray:
    """Return (2, 2) counts at the operating point, [[TN, FP], [FN, TP]], means over the runs of a row."""
    return np.mean([count_outcomes(run.labels, run.score) for run in row.test], axis=0).reshape(2, 2)


def draw_confusion_matrix(
    ax: Axes, counts: np.ndarray, size: float = style.TEXT, classes: Sequence[str] = CLASSES
) -> None:
    """Draw a confusion matrix, coloured by percentages of the true label, which are below the counts.

    Args:
        ax: Panel to draw in.
        counts: (classes, classes), true labels in rows, predicted ones in columns.
        size: Font size in points.
        classes: Names of the classes.
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = ratio(counts, totals, empty=0.0)
    decimals = 0 if np.allclose(counts, np.rint(counts)) else 1
    texts = [
        f"{count:.{decimals}f}\n{format_share(share) if films else 'no films'}"
        for count, share, films in zip(counts.flat, shares.flat, np.repeat(totals, len(classes)), strict=True)
    ]
    seaborn.heatmap(
        shares,
        vmin=0,
        vmax=1.1,
        cmap="Blues",
        cbar=False,
        annot=np.reshape(texts, counts.shape),
        fmt="",
        annot_kws={"size": size},
        # Tick labels are set below: seaborn would measure them, which takes half the time of the panel.
        xticklabels=False,
        yticklabels=False,
        ax=ax,
    )
    middles = np.arange(len(classes)) + 0.5
    ax.set_xticks(middles, classes)
    ax.set_yticks(middles, classes, rotation=90, va="center")
    ax.tick_params(length=0)


def format_share(share: float) -> str:
    """Format a share as a percentage; `"0%"` and `"100%"` are exact."""
    text = f"{share:.0%}"
    if text == "0%" and share > 0:
        return "<1%"
    if text == "100%" and share < 1:
        return ">99%"
    return text


def draw_confusion_matrices(board: Board) -> Iterator[Picture]:
    """Draw one page of confusion matrices per protocol with two rows or more."""
    for group in groups_to_compare(board):
        count = len(group.rows)
        columns = min(COLUMNS, count)
        figure, axes = style.page(
            style.rows_for(count, columns),
            columns,
            (1.75, 1.25),
            (0.5, 0.68),
            style.Margins(0.6, 0.35, 0.85, 0.62),
        )
        for ax, row in zip(axes.flat, group.rows, strict=False):
            draw_confusion_matrix(ax, mean_confusion_matrix(row))
            ax.set_title(f"{style.fold(row.name, 26)}\n{over_runs(row)}", size=style.SMALL)
        style.drop(axes.flat[count:])
        style.label_outer(axes, count, "predicted", "true")
        style.heading(figure, "Confusion matrices", group.scope)
        yield Picture(
            f"confusion-{group.protocol}",
            "True labels in rows, predicted labels at probability 0.5 in columns; percentages by row. Counts "
            "are the mean over the runs of a row, in the order of the ranking. Better: dark on the diagonal, "
            "pale off it; the lower left cell is pneumonia that was missed.",
            figure,
            group.note,
        )
