"""Figure of films and patients by split and class."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes

from pneumo_tf.data.films import CLASSES, Film
from pneumo_tf.data.subtypes import SubtypeGroup, subtype_groups
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.picture import Picture

WIDTH = 3.5
"""Inches of a panel."""

Colors = Mapping[SubtypeGroup, str]


def split_classes(board: Board) -> dict[tuple[str, int], list[Film]]:
    """Return the films of each split and label, in drawing order."""
    splits = sorted({film.split for film in board.films}, key=lambda split: (split == "test", split))
    keys = [(split, label) for split in splits for label in (0, 1)]
    return {key: [film for film in board.films if (film.split, film.label) == key] for key in keys}


def count_units(films: Sequence[Film], groups: Sequence[SubtypeGroup]) -> dict[str, Counter[SubtypeGroup]]:
    """Count films and patients by group of subtypes; a patient belongs to one subtype."""
    group_of = {(group.label, subtype): group for group in groups for subtype in group.subtypes}
    found = [(group_of[film.label, film.subtype], film.patient) for film in films]
    return {
        "films": Counter(group for group, _ in found),
        "patients": Counter(group for group, _ in set(found)),
    }


def draw_class_balance(board: Board) -> Iterator[Picture]:
    """Draw films and patients side by side, one bar per split and class."""
    groups = subtype_groups(board.films)
    colors = dict(zip(groups, style.subtype_colors(groups), strict=True))
    bars = {key: count_units(films, groups) for key, films in split_classes(board).items()}
    if not bars:
        return
    units = ("films", "patients") if board.films.patients_known else ("films",)
    about = " and ".join(units)
    figure, axes = style.page(
        1, len(units), (WIDTH, 0.42 * len(bars) + 0.1), (0.35, 0.3), style.Margins(1.3, 0.3, 0.6, 0.62)
    )
    for ax, unit in zip(axes[0], units, strict=True):
        _draw_bars(ax, [counts[unit] for counts in bars.values()], colors)
        ax.set_yticks(range(len(bars)), [f"{split} · {CLASSES[label]}" for split, label in bars])
        ax.tick_params(axis="y", length=0, labelleft=ax is axes[0, 0], labelsize=style.TEXT)
        ax.locator_params(axis="x", nbins=5)
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.set_xlabel(unit)
    style.heading(figure, f"{about.capitalize()} by split and class", board.title)
    yield Picture(
        "class-balance",
        f"{about.capitalize()} per split of the source, class and subtype. The splits differ in their "
        f"mix, on which accuracy depends, and the few {units[-1]} of the test set limit how small a "
        "difference between rows can be detected.",
        figure,
    )


def _draw_bars(ax: Axes, bars: Sequence[Counter[SubtypeGroup]], colors: Colors) -> None:
    widest = max(counts.total() for counts in bars)
    right = 1.13 * widest
    for place, counts in enumerate(bars):
        _draw_bar(ax, place, counts, colors, widest)
        text = _describe_total(counts, colors, widest)
        ax.text(counts.total() + 0.015 * widest, place, text, va="center", size=style.TEXT)
        right = max(right, counts.total() / (1 - style.inches([text]) / WIDTH))
    ax.set_xlim(0, right)
    ax.set_ylim(len(bars) - 0.5, -0.5)


def _draw_bar(ax: Axes, place: int, counts: Counter[SubtypeGroup], colors: Colors, widest: int) -> None:
    left = 0
    for group in (group for group in colors if counts[group]):
        ax.barh(place, counts[group], left=left, color=colors[group], height=0.66, ec="white", lw=0.8)
        if _fits(group, counts[group], widest) and len(counts) > 1:
            ax.text(
                left + counts[group] / 2,
                place,
                f"{group.name}\n{counts[group]:,}",
                ha="center",
                va="center",
                color=style.ink_on(colors[group]),
                size=6.5,
            )
        left += counts[group]


def _describe_total(counts: Counter[SubtypeGroup], colors: Colors, widest: int) -> str:
    """Return the count of a bar, with the parts that are too narrow for their names."""
    narrow = [
        f"{group.name} {counts[group]:,}"
        for group in colors
        if counts[group] and not _fits(group, counts[group], widest)
    ]
    rest = f"  ({style.elide(', '.join(narrow), 34)})" if len(counts) > 1 and narrow else ""
    return f"{counts.total():,}{rest}"


def _fits(group: SubtypeGroup, count: int, widest: int) -> bool:
    """Return whether the name of a group fits into its part of a bar."""
    return count > 0.12 * widest * max(1, len(group.name) / 8)
