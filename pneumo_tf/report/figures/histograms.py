"""Figure of the distributions of scores of the two classes."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.data.films import CLASSES
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import comparable
from pneumo_tf.report.figures.picture import Picture

COLUMNS, BINS = 4, 32


def score_bins(score: np.ndarray) -> np.ndarray:
    """Return (33,) bin edges of scores; one edge is 0, so that no bin crosses the threshold."""
    low, high = min(float(score.min()), 0.0), max(float(score.max()), 0.0)
    width = max((high - low) / (BINS - 1), 1e-3)
    below = int(np.ceil(-low / width))
    return width * np.arange(-below, BINS - below + 1)


def draw_score_histogram(ax: Axes, scored: LabelledPredictions) -> None:
    """Draw the share of each class per bin of score, with the threshold at 0."""
    edges = score_bins(scored.score)
    for label, color in ((0, style.NORMAL), (1, style.PNEUMONIA)):
        own = scored.score[scored.labels == label]
        if len(own):
            share = np.histogram(own, edges)[0] / len(own)
            ax.stairs(share, edges, color=color, fill=True, alpha=0.35, lw=0)
            ax.stairs(share, edges, color=color, lw=1.1, label=f"{CLASSES[label]} (n = {len(own)})")
    ax.axvline(0, color=style.INK, lw=0.8, ls=(0, (3, 2)))
    ax.set_xlim(edges[0] - 1.5 * (edges[1] - edges[0]), edges[-1] + 1.5 * (edges[1] - edges[0]))
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    ax.locator_params(nbins=4)


def draw_score_histograms(board: Board) -> Iterator[Picture]:
    """Draw one page of score histograms per protocol, of the first run of each row."""
    for group in comparable(board):
        count = len(group.rows)
        columns = min(COLUMNS, max(count, 2))
        figure, axes = style.page(
            style.rows_for(count, columns),
            columns,
            (1.9, 1.0),
            (0.5, 0.55),
            style.Margins(0.7, 0.2, 0.72, 0.62),
        )
        for ax, row in zip(axes.flat, group.rows, strict=False):
            draw_score_histogram(ax, row.test[0])
            ax.set_title(style.fold(row.name, 30), size=style.SMALL)
        style.drop(axes.flat[count:])
        style.heading(figure, "Scores by class")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper right", ncols=2)
        axes[-1, 0].set_xlabel("score: logit of pneumonia − logit of normal", loc="left")
        axes[0, 0].set_ylabel("share of the class")
        yield Picture(
            f"scores-{group.protocol}",
            "Scores of the test films, first run of each row; every panel has its own scales. The dashed "
            "line is the threshold: films to its right are predicted positive. Better: the two classes "
            "apart, and the line between them; blue to the right of it is a false alarm.",
            figure,
            group.note,
        )
