"""Figure of the distributions of scores of the two classes."""

from collections.abc import Iterator

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from pneumo_tf.data.films import CLASSES
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import groups_to_compare
from pneumo_tf.report.figures.picture import Picture

COLUMNS, BINS = 4, 32
COLORS = dict(zip(CLASSES, (style.NORMAL, style.PNEUMONIA), strict=True))
OPACITY = 0.35


def score_bins(score: np.ndarray) -> np.ndarray:
    """Return (33,) bin edges of scores; one of them is 0, so that no bin crosses the threshold."""
    low, high = min(float(score.min()), 0.0), max(float(score.max()), 0.0)
    width = max((high - low) / (BINS - 1), 1e-3)
    below = int(np.ceil(-low / width))
    return width * np.arange(-below, BINS - below + 1)


def draw_score_histogram(ax: Axes, scored: LabelledPredictions) -> None:
    """Draw the share of each class per bin of score, with the threshold at 0."""
    edges = score_bins(scored.score)
    # Set first: otherwise seaborn creates every tick to label the axis, which takes half the time.
    ax.set(xlabel="score (logit difference)", ylabel="share of the class")
    seaborn.histplot(
        x=scored.score,
        hue=np.take(CLASSES, scored.labels),
        hue_order=CLASSES,
        palette=COLORS,
        bins=edges,
        stat="probability",
        common_norm=False,
        element="step",
        linewidth=1.1,
        alpha=OPACITY,
        legend=False,
        ax=ax,
    )
    ax.axvline(0, color=style.INK, lw=0.8, ls=(0, (3, 2)))
    ax.set_xlim(edges[0] - 1.5 * (edges[1] - edges[0]), edges[-1] + 1.5 * (edges[1] - edges[0]))
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    ax.locator_params(nbins=4)


def legend_entries(scored: LabelledPredictions) -> dict[str, Patch]:
    """Return legend entries by label: each class with films, and their number."""
    counts = np.bincount(scored.labels, minlength=len(CLASSES))
    return {
        f"{name} (n = {count})": Patch(facecolor=(color, OPACITY), edgecolor=color)
        for (name, color), count in zip(COLORS.items(), counts, strict=True)
        if count
    }


def draw_score_histograms(board: Board) -> Iterator[Picture]:
    """Draw one page of score histograms per protocol with two rows or more, of the first run of each row."""
    for group in groups_to_compare(board):
        count = len(group.rows)
        columns = min(COLUMNS, count)
        figure, axes = style.page(
            style.rows_for(count, columns),
            columns,
            (1.9, 1.0),
            (0.5, 0.7),
            style.Margins(0.7, 0.2, 0.85, 0.62),
        )
        for ax, row in zip(axes.flat, group.rows, strict=False):
            draw_score_histogram(ax, row.test[0])
            ax.set_title(style.fold(row.name, 30), size=style.SMALL)
        style.drop(axes.flat[count:])
        style.label_outer(axes, count, "score (logit difference)", "share of the class")
        style.heading(figure, "Scores by class", group.scope)
        entries = legend_entries(group.rows[0].test[0])
        figure.legend(entries.values(), entries.keys(), loc="upper right", ncols=2)
        yield Picture(
            f"scores-{group.protocol}",
            "Scores of the test films (logit of pneumonia minus logit of normal), first run of each row, in "
            "the order of the ranking; every panel has its own scales. The dashed line is the threshold: "
            "films to its right are predicted positive. Better: the two classes apart, and the line "
            "between them; blue to the right of it is a false positive.",
            figure,
            group.note,
        )
