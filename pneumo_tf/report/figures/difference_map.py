"""Figure of the differences of AUC between every pair of ranked rows."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pneumo_tf.evaluation.comparison import Comparison
from pneumo_tf.report.board import OFFICIAL, Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import comparable
from pneumo_tf.report.figures.picture import Picture

MOST = 30
"""Rows on one page, from the best; more would not be read."""
NUMBERED = 16
"""Rows up to which every cell has room for its number."""
COLORS = "PuOr"


def draw_auc_differences(board: Board) -> Iterator[Picture]:
    """Draw one page if at least two ranked rows have an AUC."""
    rows = [row for row in board.ranking if np.isfinite(row.estimates["auc"].value)][:MOST]
    if len(rows) < 2:
        return
    names = [style.fold(row.name, 34) for row in rows]
    side = 0.42 if len(rows) <= NUMBERED else 0.25
    extent = max(1.6, side * len(rows))
    left = style.inches(names) + 0.3
    margins = style.Margins(left, 1.0, 0.6, 0.55)
    figure, axes = style.page(1, 1, (extent, extent), (0.3, 0.3), margins)
    ax = axes[0, 0]
    limit = draw_difference_map(ax, board.comparison, len(rows))
    ax.set_yticks(range(len(rows)), [f"{name}  {rank}" for rank, name in enumerate(names, start=1)])
    ax.set_xticks(range(len(rows)), range(1, len(rows) + 1))
    _scale(figure, ax, limit)
    style.heading(figure, "Differences of AUC: row minus column")
    note = next(group.note for group in comparable(board) if group.protocol == OFFICIAL)
    cut = f"The best {MOST} of {len(board.ranking)} rows. " if len(board.ranking) > len(rows) else ""
    yield Picture(
        "auc-differences",
        "AUC of the row minus AUC of the column, in the order of the ranking: orange above zero, the row is "
        "better; purple below. Filled cells differ significantly (paired by film, clustered by patient, Holm "
        "over all pairs of the board); small dots mark pairs that do not differ significantly.",
        figure,
        f"{cut}{note}",
    )


def draw_difference_map(ax: Axes, comparison: Comparison, count: int) -> float:
    """Draw the first `count` rows of a comparison, and return the difference of the strongest colour."""
    difference = comparison.difference[:count, :count]
    significant = comparison.significant[:count, :count]
    limit = max(float(np.nanmax(np.abs(difference))), 0.01)
    shown = np.ma.masked_where(~significant, difference)
    ax.imshow(shown, cmap=f"{COLORS}_r", vmin=-limit, vmax=limit, aspect="auto")
    for row, column in np.ndindex(count, count):
        if row == column:
            continue
        if not significant[row, column]:
            ax.plot(column, row, ".", color="#aaaaaa", ms=3)
        elif count <= NUMBERED:
            _write_number(ax, row, column, difference[row, column], limit)
    ax.set_xlim(-0.5, count - 0.5)
    ax.set_ylim(count - 0.5, -0.5)
    ax.tick_params(length=0)
    ax.set_xlabel("rank of the row that is subtracted")
    return limit


def _write_number(ax: Axes, row: int, column: int, value: float, limit: float) -> None:
    color = "white" if abs(value) > 0.6 * limit else style.INK
    text = f"{value:+.2f}".replace("-", "−").replace("0.", ".")
    ax.text(column, row, text, ha="center", va="center", size=style.SMALL, color=color)


def _scale(figure: Figure, ax: Axes, limit: float) -> None:
    box = ax.get_position()
    width = figure.get_size_inches()[0]
    scale = figure.add_axes((box.x1 + 0.15 / width, box.y0, 0.12 / width, box.height))
    figure.colorbar(ScalarMappable(Normalize(-limit, limit), f"{COLORS}_r"), cax=scale)
    scale.tick_params(length=2)
    scale.locator_params(axis="y", nbins=5)
    scale.yaxis.set_major_formatter(lambda value, _: style.signed(value) if value else "0")
    scale.spines[:].set_visible(False)
