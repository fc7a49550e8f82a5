"""The figures of a report, in the order in which they are read; a new one is one entry."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pneumo_tf.report.figures import (
    augmented,
    class_balance,
    comparison,
    confusion,
    cost,
    difference_map,
    grad_cam,
    grad_cam_suite,
    histograms,
    image_sizes,
    missed,
    precision_recall,
    reliability,
    roc,
    samples,
    sheet,
    style,
    training,
)
from pneumo_tf.report.figures.picture import Picture, Section, write
from pneumo_tf.report.rows import Board


class Figures(NamedTuple):
    """An entry of the registry.

    Args:
        title: Heading in the report.
        draw: Gives the pages of a board, none where it lacks what they would show.
        scored: Whether the pages show what a model made of a film.
    """

    title: str
    draw: Callable[[Board], Iterator[Picture]]
    scored: bool = True


FIGURES: dict[str, Figures] = {
    "metrics": Figures("Metrics", comparison.draw),
    "differences": Figures("Differences of AUC", difference_map.draw),
    "cost": Figures("AUC against cost", cost.draw),
    "roc": Figures("ROC curves", roc.draw),
    "precision_recall": Figures("Precision-recall curves", precision_recall.draw),
    "missed": Figures("Missed pneumonia", missed.draw),
    "confusion": Figures("Confusion matrices", confusion.draw),
    "histograms": Figures("Scores by class", histograms.draw),
    "reliability": Figures("Reliability", reliability.draw),
    "training": Figures("Training curves", training.draw),
    "class_balance": Figures("Class balance", class_balance.draw, scored=False),
    "image_sizes": Figures("Image sizes", image_sizes.draw, scored=False),
    "samples": Figures("Sample films", samples.draw, scored=False),
    "augmented": Figures("Augmented films", augmented.draw, scored=False),
    "grad_cam_suite": Figures("Grad-CAM, recipe by recipe", grad_cam_suite.draw),
    "grad_cam": Figures("Grad-CAM, by outcome", grad_cam.draw),
    "sheets": Figures("Evaluation sheets", sheet.draw),
}


def draw(board: Board, out: Path) -> list[Section]:
    """Draws every figure of a board for which it holds the data.

    The same board gives the same bytes. Boards may be drawn by several processes at once, but not by several
    threads: matplotlib's settings are the process's own.

    Args:
        board: What to draw.
        out: The report's folder; pictures come under `figures/<board>/`.

    Returns:
        Sections in reading order, without those that have nothing to show.
    """
    with style.applied():
        sections = [Section(entry.title, _write_all(entry, board, out)) for entry in FIGURES.values()]
    return [section for section in sections if section.pictures]


def _write_all(entry: Figures, board: Board, out: Path) -> list[tuple[str, str]]:
    # One page at a time: a page holds its pixels until it is written.
    return [(page.caption, write(page, board, entry.scored, out)) for page in entry.draw(board)]
