"""Style of figures: colours, font sizes, and pages of panels measured in inches."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
import numpy as np
import seaborn
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pneumo_tf.data.subtypes import SubtypeGroup

DPI = 120
NARROWEST = 5.2
"""Least width of a page in inches, so that its title and marks fit."""

# Okabe & Ito (2008) without yellow and black: colour-blind readers can tell them apart, also on white paper.
NORMAL, PNEUMONIA = "#0072B2", "#D55E00"
SUBTYPES = {"normal": NORMAL, "bacteria": "#D55E00", "virus": "#E69F00", "pneumonia": "#D55E00"}
OTHER_SUBTYPES = (
    (NORMAL, "#56B4E9", "#009E73", "#9ECAE1", "#B8B8B8"),
    (PNEUMONIA, "#E69F00", "#CC79A7", "#8C2D04", "#B8B8B8"),
)
"""Colours of subtypes without one of their own, by label."""

INK, QUIET, RULE = "#222222", "#666666", "#dddddd"
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))

TITLE, TEXT, SMALL = 10.0, 8.0, 7.0
"""Font sizes in points: of titles, of text, of secondary text."""

RC = {
    # The font that comes with Matplotlib, so that text has the same width on every machine.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": TEXT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#999999",
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.7,
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.titlepad": 4.0,
    # Fixed, because otherwise every panel measures its labels to place the title above ticks, which never are
    # on top.
    "axes.titley": 1.0,
    # Hinting takes a fifth of the drawing time, and makes the spacing of letters uneven.
    "text.hinting": "none",
    "legend.frameon": False,
    # Names of films and folders may have dollar signs, but are not formulas.
    "text.parse_math": False,
    # Edges would separate the bars of a histogram from the axis.
    "patch.force_edgecolor": False,
}
"""Settings that differ from seaborn's theme."""


@contextmanager
def applied() -> Iterator[None]:
    """Apply the theme instead of the user's matplotlibrc, and restore the settings at the end."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        seaborn.set_theme("paper", "ticks", CYCLE, color_codes=False, rc=RC)
        yield


def subtype_colors(groups: Sequence[SubtypeGroup]) -> list[str]:
    """Return a colour for each group of subtypes: its own, or one that no other group of its class has."""
    given = {place: SUBTYPES[group.title] for place, group in enumerate(groups) if group.title in SUBTYPES}
    for place, group in enumerate(groups):
        free = [color for color in OTHER_SUBTYPES[group.label] if color not in given.values()]
        given.setdefault(place, free[0] if free else OTHER_SUBTYPES[group.label][-1])
    return [given[place] for place in range(len(groups))]


def ink_on(color: str) -> str:
    """Return the colour of text that is legible on a colour: dark on light ones, white on others."""
    red, green, blue = to_rgb(color)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.6 else "white"


@dataclass(frozen=True)
class Stroke:
    """Line style of a row, the same in every figure."""

    color: str
    linestyle: str | tuple
    linewidth: float = 1.5


def strokes(trivial: Sequence[bool]) -> list[Stroke]:
    """Return a stroke per row: thin grey dashes for trivial rows; others differ in colour, then dash.

    Args:
        trivial: For each row of the board, True if it is trivial.
    """
    given, plain, grey = [], 0, 0
    for is_trivial in trivial:
        if is_trivial:
            given.append(Stroke(("#999999", "#555555", "#bbbbbb")[grey % 3], DASHES[1 + grey // 3 % 3], 1.1))
            grey += 1
        else:
            dash = DASHES[plain // len(CYCLE) % len(DASHES)]
            given.append(Stroke(CYCLE[plain % len(CYCLE)], dash))
            plain += 1
    return given


@dataclass(frozen=True)
class Margins:
    """Margins around the panels of a page, in inches."""

    left: float = 0.6
    right: float = 0.2
    top: float = 0.35
    bottom: float = 0.65


def page(
    rows: int,
    columns: int,
    panel: tuple[float, float],
    gap: tuple[float, ...] = (0.3, 0.3),
    margins: Margins = Margins(),
) -> tuple[Figure, np.ndarray]:
    """Create a figure of equal panels with sizes in inches.

    Args:
        rows: Rows of panels.
        columns: Columns of panels.
        panel: Width and height of each.
        gap: Gaps between neighbours: the horizontal one, then the vertical ones, which alternate.
        margins: Margins around all panels.

    Returns:
        The figure, and its axes as an array (rows, columns).
    """
    width = max(NARROWEST, margins.left + columns * panel[0] + (columns - 1) * gap[0] + margins.right)
    down = np.concatenate([[0.0], np.cumsum(panel[1] + np.resize(gap[1:], rows - 1))])
    height = margins.top + down[-1] + panel[1] + margins.bottom
    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        x = margins.left + column * (panel[0] + gap[0])
        y = height - margins.top - down[row] - panel[1]
        axes[row, column] = figure.add_axes((x / width, y / height, panel[0] / width, panel[1] / height))
    seaborn.despine(figure)
    return figure, axes


def rows_for(count: int, columns: int) -> int:
    """Return the number of rows for `count` panels."""
    return -(-count // columns)


def drop(axes: Sequence[Axes]) -> None:
    """Remove empty panels from the page."""
    for ax in axes:
        ax.remove()


def bare(ax: Axes) -> None:
    """Remove ticks and frame of a panel."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def heading(figure: Figure, title: str, scope: str = "") -> None:
    """Write the title of a page in its top left corner, shortened to fit.

    Args:
        figure: The page.
        title: What the page shows.
        scope: What it applies to: recipe, protocol, films; on a line of its own.
    """
    width, height = figure.get_size_inches()
    left = 0.1
    room = int((width - 2 * left) / (0.66 * TITLE / 72))
    figure.text(left / width, 1 - 0.09 / height, elide(title, room), size=TITLE, weight="bold", va="top")
    room = int((width - 2 * left) / (0.57 * TEXT / 72))
    figure.text(left / width, 1 - 0.28 / height, elide(scope, room), size=TEXT, color=QUIET, va="top")


def label_outer(axes: np.ndarray, count: int, xlabel: str, ylabel: str) -> None:
    """Label only the axes along the left and the lower edge of a page of equal panels.

    Args:
        axes: (rows, columns) panels.
        count: Number of panels in use, from the first.
        xlabel: Label of the lowest panel in use of each column.
        ylabel: Label of the first panel of each row.
    """
    columns = axes.shape[1]
    for at, ax in enumerate(axes.flat[:count]):
        ax.set_ylabel(ylabel if at % columns == 0 else "")
        ax.set_xlabel(xlabel if at + columns >= count else "")


def legend_beside(panel: Axes, handles: Sequence[Artist], labels: Sequence[str], handlelength: float) -> None:
    """Write a legend to the right of a panel, level with its top."""
    box = panel.get_position()
    panel.figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(box.x1 + 0.005, box.y1 + 0.01),
        handlelength=handlelength,
        labelspacing=0.45,
    )


def fold(name: str, width: int, lines: int = 2) -> str:
    """Break a name after `_`, `-` and spaces into at most `lines` lines of about `width` characters.

    If a name does not fit, its middle is left out; a word longer than a line is broken.
    """
    folded = _break_lines(name, width, lines)
    if max(map(len, folded)) > width:
        # Lines rarely fill their width.
        folded = _break_lines(elide(name, lines * width - lines * width // 5), width, lines)
    return "\n".join(folded)


def _break_lines(text: str, width: int, lines: int) -> list[str]:
    """Break text after underscores, hyphens and spaces; the last line takes the rest."""
    if len(text) <= width:
        return [text]
    broken = [""]
    for piece in re.findall(rf"[^_\- ]{{0,{width - 1}}}[_\- ]|[^_\- ]{{1,{width}}}", text):
        if len(broken) < lines and len(broken[-1]) + len(piece.rstrip()) > width:
            broken.append("")
        broken[-1] += piece
    return [line.strip() for line in broken]


def inches(names: Sequence[str], size: float = TEXT) -> float:
    """Return an upper estimate of the width of the longest line among `names`, in inches."""
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    return longest * size * 0.57 / 72 + 0.05


def stem(film_id: str, width: int) -> str:
    """Return the file name of a film without folder and suffix, shortened to `width` characters."""
    return elide(film_id.rsplit("/", 1)[-1].rsplit(".", 1)[0], width)


def elide(name: str, width: int) -> str:
    """Leave out the middle of a name that is longer than `width` characters."""
    return name if len(name) <= width else f"{name[: width // 2]}…{name[-(width - width // 2 - 1) :]}"


def signed(value: float, digits: int = 2) -> str:
    """Format a number with its sign, with a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def unit_ticks(*axes: Axis) -> None:
    """Set ticks at 0, 0.5 and 1."""
    for axis in axes:
        axis.set_ticks((0, 0.5, 1), ("0", "0.5", "1"))


def whole_numbers(ax: Axes, nbins: int = 5) -> None:
    """Set integer ticks on a horizontal axis, at least one."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=nbins, integer=True, min_n_ticks=1))


def write_undefined(ax: Axes, text: str, y: float = 0.5) -> None:
    """Write across a panel why it is empty; `y` is the height as a share of the panel."""
    ax.text(
        0.5,
        y,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        size=SMALL,
        color=QUIET,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )
