"""Figure of sizes and aspect ratios of the original images, a possible shortcut to the class."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.data.films import CLASSES
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.class_balance import split_classes
from pneumo_tf.report.figures.picture import Picture

COLORS = (style.NORMAL, style.PNEUMONIA)
AspectGroups = dict[tuple[str, int], np.ndarray]
WHISKERS = (5, 95)
"""Percentiles at the ends of a box's whiskers."""


def _scatter(ax: Axes, sizes: np.ndarray, labels: np.ndarray) -> None:
    # Shuffled, so that the class drawn last does not hide the other.
    order = np.random.default_rng(0).permutation(len(labels))
    colors = np.array(COLORS)[labels[order].astype(int)]
    ax.scatter(*sizes[order].T, s=5, c=colors, alpha=0.35, lw=0)


def _aspects(ax: Axes, groups: AspectGroups) -> None:
    # Matplotlib's own, because seaborn passes `vert`, which is deprecated.
    thin = {"linewidth": 0.9, "color": style.INK}
    boxes = ax.boxplot(
        list(groups.values()),
        positions=range(len(groups)),
        orientation="horizontal",
        whis=WHISKERS,
        widths=0.4,
        showfliers=False,
        patch_artist=True,
        boxprops={"linewidth": 0.9},
        whiskerprops=thin,
        capprops=thin,
        medianprops={"color": style.INK},
    )
    for place, ((_, label), aspects, box) in enumerate(
        zip(groups, groups.values(), boxes["boxes"], strict=True)
    ):
        box.set(facecolor=(COLORS[label], 0.55), edgecolor=style.INK)
        if len(aspects):
            middle = np.median(aspects)
            ax.text(middle, place - 0.27, f"{middle:.2f}", ha="center", va="bottom", size=style.SMALL)
    ax.set_yticks(range(len(groups)), [f"{split}\n{CLASSES[label]}" for split, label in groups])
    ax.set_ylim(len(groups) - 0.5, -0.7)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")


def draw_image_sizes(board: Board) -> Iterator[Picture]:
    """Draw a scatter of width and height per split, and the aspect ratios of every split and class."""
    groups = {
        key: np.array([film.width / film.height for film in films])
        for key, films in split_classes(board).items()
    }
    splits = list(dict.fromkeys(split for split, _ in groups))
    if not splits:
        return
    figure, axes = style.page(1, len(splits) + 1, (2.7, 2.5), (0.65, 0.3), style.Margins(0.7, 0.2, 0.8, 0.65))
    sizes = np.array([(film.width, film.height) for film in board.films], float)
    of_split = np.array([film.split for film in board.films])
    for ax, split in zip(axes[0], splits, strict=False):
        _scatter(ax, sizes[of_split == split], board.films.labels[of_split == split])
        ax.set_title(f"{split} (n = {(of_split == split).sum():,})")
        ax.set_xlim(0, 1.04 * sizes[:, 0].max())
        ax.set_ylim(0, 1.04 * sizes[:, 1].max())
        ax.set_xlabel("width, pixels")
        ax.locator_params(nbins=5)
    axes[0, 0].set_ylabel("height, pixels")
    _aspects(axes[0, -1], groups)
    axes[0, -1].set_title("aspect ratio")
    axes[0, -1].set_xlabel("width / height")
    style.heading(figure, "Sizes of the original images", board.title)
    handles = [axes[0, 0].scatter([], [], s=18, color=color) for color in COLORS]
    figure.legend(handles, CLASSES, loc="upper right", ncols=2, handletextpad=0.2)
    yield Picture(
        "image-sizes",
        "Every image by width and height, and its aspect ratio by split and class: median, quartiles, and "
        f"the {WHISKERS[0]}th to the {WHISKERS[1]}th percentile. Size is a shortcut: where "
        "the classes lie apart, a model can separate them by size alone, and if the sizes of test and "
        "training films differ, it will fail. Better: clouds and bars that coincide.",
        figure,
    )
