"""Pictures of the audit, in the style of the report."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.audit.chapter import Drawing
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.duplicates import Group
from pneumo_tf.audit.shift import Shift
from pneumo_tf.audit.shortcuts import METRICS as REACHED
from pneumo_tf.audit.shortcuts import Reached
from pneumo_tf.data.cache import read_film
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.figures import class_balance, image_sizes, style
from pneumo_tf.report.rows import Board

SHOWN = 4
"""Groups of duplicates that are drawn."""

WIDEST = 4
"""Films of one group that are drawn."""


def draw_balance(decoded: DecodedSet) -> list[Drawing]:
    """Films and patients by split and class, as the report draws them."""
    return [
        Drawing("class-balance", "Films and patients by split and class; val counts as train.", page.figure)
        for page in class_balance.draw(_board(decoded))
    ]


def draw_sizes(decoded: DecodedSet) -> list[Drawing]:
    """Widths, heights and aspects, as the report draws them."""
    caption = (
        "Every film by width and height; aspects by split and class. Better: clouds and bars that coincide."
    )
    return [Drawing("image-sizes", caption, page.figure) for page in image_sizes.draw(_board(decoded))]


def _board(decoded: DecodedSet) -> Board:
    # Both figures speak of films alone, and take them from a board; this one has no rows.
    return Board("", decoded.dataset.title, "audit", decoded.films, (), 0.0)


def draw_groups(decoded: DecodedSet, groups: Sequence[Group]) -> list[Drawing]:
    """Films of the first groups side by side, one row per group."""
    if not groups:
        return []
    shown = groups[:SHOWN]
    columns = min(WIDEST, max(len(group.films) for group in shown))
    figure, axes = style.page(len(shown), columns, (1.9, 1.5), (0.12, 0.3), style.Margins(0.7, 0.1, 0.4, 0.4))
    for row, group in zip(axes, shown, strict=True):
        row[0].set_ylabel("exact" if group.exact else "near", size=style.TEXT)
        for ax, film in zip(row, group.films, strict=False):
            pixels = read_film(decoded.dataset.root / film.id, 192)
            # The aspect of the original, which a copy resized to a square has lost.
            ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect=film.height / film.width)
            ax.set_xlabel(style.stem(film.id, 30), size=6.5, labelpad=2)
            style.bare(ax)
        style.drop(row[len(group.films) :])
    style.heading(figure, "Duplicates")
    caption = "One group of duplicates per row; first those that cross splits, classes or patients."
    return [Drawing("duplicates", caption, figure, shows_films=True)]


def draw_means(decoded: DecodedSet, measured: Sequence[Shift]) -> Drawing:
    """The mean film of each class in train and in test, and their difference."""
    figure, axes = style.page(len(measured), 3, (1.5, 1.5), (0.15, 0.15), style.Margins(0.8, 0.2, 0.6, 0.15))
    for row, shift in zip(axes, measured, strict=True):
        train, test = (
            decoded.copies.grid[(decoded.subtypes == shift.subtype) & (decoded.splits == split)].mean(0)
            for split in ("train", "test")
        )
        row[0].imshow(train, cmap="gray", vmin=0, vmax=255)
        row[1].imshow(test, cmap="gray", vmin=0, vmax=255)
        row[2].imshow(test - train, cmap="RdBu_r", vmin=-40, vmax=40)
        row[0].set_ylabel(shift.subtype, size=style.TEXT)
        for ax in row:
            style.bare(ax)
    for ax, title in zip(axes[0], ("train", "test", "test − train"), strict=True):
        ax.set_title(title)
    style.heading(figure, "The mean film")
    caption = "Mean of all films of a class, squashed to a square; red where the test films are brighter."
    return Drawing("mean-films", caption, figure, shows_films=True)


def draw_shifts(measured: Sequence[Shift]) -> Drawing:
    """AUC of train against test for each class, beside both nulls."""
    figure, axes = style.page(
        1, 1, (4.2, 0.5 * len(measured) + 0.15), margins=style.Margins(0.8, 0.2, 0.75, 0.5)
    )
    ax: Axes = axes[0, 0]
    for place, shift in enumerate(measured):
        for null, offset, color in ((shift.drawn, 0.2, "#bbbbbb"), (shift.blocks, -0.2, "#777777")):
            if len(null):
                ax.plot(
                    (null.min(), null.max()), (place + offset,) * 2, color=color, lw=5, solid_capstyle="butt"
                )
        color = style.SUBTYPES[shift.subtype]
        ax.plot((shift.low, shift.high), (place, place), color=color, lw=1.3)
        ax.plot(shift.auc, place, "o", color=color, ms=6)
    ax.axvline(0.5, color=style.QUIET, lw=0.8, ls=(0, (3, 2)))
    ax.set_xlim(min(0.35, *(shift.drawn.min() - 0.02 for shift in measured)), 1)
    ax.set_ylim(len(measured) - 0.5, -0.5)
    ax.set_yticks(range(len(measured)), [shift.subtype for shift in measured])
    ax.tick_params(axis="y", length=0, labelsize=style.TEXT)
    ax.set_xlabel("AUC of telling test films from training films")
    ax.plot([], [], "o-", color=style.INK, ms=5, lw=1.3, label="train against test")
    ax.plot([], [], color="#777777", lw=5, label="neighbours in train")
    ax.plot([], [], color="#bbbbbb", lw=5, label="random patients")
    figure.legend(loc="upper right", ncols=3, handlelength=1.4, columnspacing=1.2, bbox_to_anchor=(1, 0.89))
    style.heading(figure, "Does the test look like the training films?")
    caption = "Point: AUC with its 95 % interval. Bars: its range where other patients are called test."
    return Drawing("shift", caption, figure)


def draw_reached(rows: Sequence[Reached], titles: Sequence[str]) -> Drawing:
    """Accuracy, specificity and AUC of the trivial models, one line per row of the table."""
    width = style.inches(titles)
    figure, axes = style.page(
        1, 3, (1.75, 0.27 * len(rows) + 0.2), (0.25, 0.3), style.Margins(width + 0.25, 0.2, 0.55, 0.35)
    )
    for ax, metric in zip(axes[0], REACHED, strict=True):
        for place, row in enumerate(rows):
            _point(ax, place, row, metric)
        ax.set_title(METRICS[metric].title)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), titles)
        ax.tick_params(axis="y", length=0, labelleft=ax is axes[0, 0], labelsize=style.TEXT)
        ax.locator_params(axis="x", nbins=4)
        ax.grid(axis="x")
    style.heading(figure, "What trivial models reach")
    caption = (
        "Blue: films held out of train or of everything. Orange: the official test. Bars: 95 % intervals, "
        "patients resampled; for random divisions the standard deviation over repeats."
    )
    return Drawing("trivial-models", caption, figure)


def _point(ax: Axes, place: int, row: Reached, metric: str) -> None:
    color = style.PNEUMONIA if row.habit == "official" else style.NORMAL
    estimate = row.estimates[metric]
    low, high = estimate.low, estimate.high
    if np.isfinite(estimate.sd):
        low, high = estimate.value - estimate.sd, estimate.value + estimate.sd
    ax.plot((low, high), (place, place), color=color, lw=1.3)
    ax.plot(estimate.value, place, "o", color=color, ms=4.5)


def mark(figure: Figure, text: str) -> None:
    """Writes a mark into the bottom right corner."""
    width, height = figure.get_size_inches()
    figure.text(1 - 0.08 / width, 0.06 / height, text, size=6.5, color=style.QUIET, ha="right")
