"""Figure of the differences of AUC between every pair of ranked rows."""

from collections.abc import Iterator, Sequence

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.evaluation.comparison import Comparison
from pneumo_tf.report.board import OFFICIAL, Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import comparable
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.figures.scale import rows_of_scale

MOST_ROWS = 30
"""Maximum number of rows on the page, best first; more would be illegible."""
NUMBERED = 16
"""Maximum number of rows for which cells show their value."""


def draw_auc_differences(board: Board) -> Iterator[Picture]:
    """Draw one page if at least two ranked rows have an AUC."""
    rows = [row for row in board.ranking if np.isfinite(row.estimates["auc"].value)][:MOST_ROWS]
    if len(rows) < 2:
        return
    names = [style.fold(row.name, 34) for row in rows]
    side = 0.42 if len(rows) <= NUMBERED else 0.25
    extent = max(1.6, side * len(rows))
    left = style.inches(names) + 0.3
    margins = style.Margins(left, 1.0, 0.6, 0.55)
    figure, axes = style.page(1, 1, (extent, extent), (0.3, 0.3), margins)
    ax = axes[0, 0]
    draw_difference_map(ax, _scale_axes(figure, ax), board.comparison, rows_of_scale(rows, "auc"))
    centres = np.arange(len(rows)) + 0.5
    ax.set_yticks(centres, [f"{name}  {rank}" for rank, name in enumerate(names, start=1)], rotation=0)
    ax.set_xticks(centres, range(1, len(rows) + 1), rotation=0)
    group = next(group for group in comparable(board) if group.protocol == OFFICIAL)
    style.heading(figure, "Differences of AUC: row minus column", group.scope)
    cut = f"The best {MOST_ROWS} of {len(board.ranking)} rows. " if len(board.ranking) > len(rows) else ""
    yield Picture(
        "auc-differences",
        "AUC of the row minus AUC of the column, in the order of the ranking: orange above zero, the row "
        "is better; purple below. Filled cells differ significantly "
        f"({board.wording.write('{paired}')}, Holm's correction over all pairs of the board); small dots "
        "mark pairs that do not. The colour scale leaves out trivial rows far from all others: their "
        "differences have the colour of the end of the scale.",
        figure,
        f"{cut}{group.note}",
    )


def draw_difference_map(ax: Axes, scale: Axes, comparison: Comparison, sets_scale: Sequence[bool]) -> None:
    """Draw the first rows of a comparison, with the colour scale of their differences.

    Args:
        ax: Panel to draw in.
        scale: Panel of the colour scale.
        comparison: Every pair of rows.
        sets_scale: Whether the colour scale covers the differences of each row.
    """
    count = len(sets_scale)
    difference, significant = comparison.difference[:count, :count], comparison.significant[:count, :count]
    limit = max(float(np.abs(difference[np.ix_(sets_scale, sets_scale)]).max(initial=0)), 0.01)
    seaborn.heatmap(
        difference,
        mask=~significant,
        vmin=-limit,
        vmax=limit,
        cmap="PuOr_r",
        annot=np.vectorize(_number)(difference) if count <= NUMBERED else None,
        fmt="",
        annot_kws={"size": style.SMALL},
        cbar_ax=scale,
        cbar_kws={
            "format": lambda value, _: style.signed(value) if value else "0",
            "extend": "neither" if all(sets_scale) else "both",
        },
        ax=ax,
    )
    other = ~significant & ~np.eye(count, dtype=bool)
    ax.plot(*(np.argwhere(other)[:, ::-1] + 0.5).T, ".", color="#aaaaaa", ms=3)
    ax.tick_params(length=0)
    ax.set_xlabel("rank of the row that is subtracted")
    scale.tick_params(length=2)
    scale.locator_params(axis="y", nbins=5)


def _number(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−").replace("0.", ".")


def _scale_axes(figure: Figure, ax: Axes) -> Axes:
    """Add a panel for the colour scale to the right of another panel."""
    box = ax.get_position()
    width = figure.get_size_inches()[0]
    return figure.add_axes((box.x1 + 0.15 / width, box.y0, 0.12 / width, box.height))
