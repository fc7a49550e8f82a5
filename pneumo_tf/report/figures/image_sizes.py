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


def _scatter(ax: Axes, sizes: np.ndarray, labels: np.ndarray) -> None:
    # Shuffled, so that the class drawn last does not hide the other.
    order = np.random.default_rng(0).permutation(len(labels))
    colors = np.array(COLORS)[labels[order].astype(int)]
    ax.scatter(*sizes[order].T, s=5, c=colors, alpha=0.35, lw=0)


def _aspects(ax: Axes, groups: AspectGroups) -> None:
    for place, ((_, label), aspects) in enumerate(groups.items()):
        if not len(aspects):
            continue
        low, first, middle, third, high = np.percentile(aspects, (5, 25, 50, 75, 95))
        ax.plot((low, high), (place, place), color=COLORS[label], lw=1.2, solid_capstyle="butt")
        ax.plot((first, third), (place, place), color=COLORS[label], lw=7, alpha=0.55, solid_capstyle="butt")
        ax.plot(middle, place, "o", color="white", mec=COLORS[label], mew=1.4, ms=5)
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
    figure, axes = style.page(
        1, len(splits) + 1, (2.7, 2.5), (0.65, 0.3), style.Margins(0.7, 0.2, 0.75, 0.65)
    )
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
    axes[0, -1].set_title("aspect ratio: width / height")
    axes[0, -1].set_xlabel("median, quartiles, 5th to 95th percentile")
    style.heading(figure, "Sizes of the original images")
    handles = [axes[0, 0].scatter([], [], s=18, color=color) for color in COLORS]
    figure.legend(handles, CLASSES, loc="upper right", ncols=2, handletextpad=0.2)
    yield Picture(
        "image-sizes",
        "Every image by width and height, and its aspect by split and class. Size is a shortcut: where "
        "the classes lie apart, a model can tell them without looking at the lungs, and where the test "
        "films lie elsewhere than the training films, it will be misled. Better: clouds and bars that "
        "coincide.",
        figure,
    )
