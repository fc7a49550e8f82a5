"""Figure of films and patients by split and class."""

from collections import Counter
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from pneumo_tf.data.films import CLASSES, Film
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.picture import Picture


def split_classes(board: Board) -> dict[tuple[str, int], list[Film]]:
    """Return the films of each split and label, in drawing order."""
    splits = sorted({film.split for film in board.films}, key=lambda split: (split == "test", split))
    keys = [(split, label) for split in splits for label in (0, 1)]
    return {key: [film for film in board.films if (film.split, film.label) == key] for key in keys}


def count_subtypes(films: Sequence[Film]) -> tuple[Counter[str], Counter[str]]:
    """Count films and patients by subtype; a patient belongs to one subtype."""
    patients = {(film.subtype, film.patient) for film in films}
    return Counter(film.subtype for film in films), Counter(subtype for subtype, _ in patients)


def _bar(ax: Axes, place: int, counts: Counter[str], widest: int) -> None:
    left = 0
    for subtype in (name for name in style.SUBTYPES if counts[name]):
        ax.barh(
            place, counts[subtype], left=left, color=style.SUBTYPES[subtype], height=0.66, ec="white", lw=0.8
        )
        if _fits(counts[subtype], widest) and len(counts) > 1:
            ink = style.INK if subtype == "virus" else "white"
            middle = left + counts[subtype] / 2
            ax.text(
                middle,
                place,
                f"{subtype}\n{counts[subtype]:,}",
                ha="center",
                va="center",
                color=ink,
                size=6.5,
            )
        left += counts[subtype]
    narrow = [
        f"{name} {counts[name]:,}"
        for name in style.SUBTYPES
        if counts[name] > 0 and not _fits(counts[name], widest)
    ]
    rest = f"  ({', '.join(narrow)})" if len(counts) > 1 and narrow else ""
    ax.text(left + 0.015 * widest, place, f"{left:,}{rest}", va="center", size=style.TEXT)


def _fits(count: int, widest: int) -> bool:
    return count > 0.12 * widest


def draw_class_balance(board: Board) -> Iterator[Picture]:
    """Draw films and patients side by side, one bar per split and class."""
    groups = {key: count_subtypes(films) for key, films in split_classes(board).items()}
    if not groups:
        return
    figure, axes = style.page(
        1, 2, (3.5, 0.42 * len(groups) + 0.1), (0.35, 0.3), style.Margins(1.3, 0.3, 0.6, 0.62)
    )
    for ax, index, unit in zip(axes[0], (0, 1), ("films", "patients"), strict=True):
        widest = max(sum(counts[index].values()) for counts in groups.values())
        for place, counts in enumerate(groups.values()):
            _bar(ax, place, counts[index], widest)
        ax.set_xlim(0, 1.13 * widest)
        ax.set_ylim(len(groups) - 0.5, -0.5)
        ax.set_yticks(range(len(groups)), [f"{split} · {CLASSES[label]}" for split, label in groups])
        ax.tick_params(axis="y", length=0, labelleft=index == 0, labelsize=style.TEXT)
        ax.locator_params(axis="x", nbins=5)
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.set_xlabel(unit)
    style.heading(figure, "Films and patients by split and class", board.title)
    yield Picture(
        "class-balance",
        "Films and patients per split of the source, class and subtype. The splits differ in their "
        "mix, on which accuracy depends, and the few patients of the test set limit how small a difference "
        "between rows can be detected.",
        figure,
    )
