"""The figures of a report, in the order in which they are read; a new one is one entry."""

from collections.abc import Callable, Iterator
from dataclasses import replace
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
    risk_coverage,
    roc,
    samples,
    sheet,
    style,
    training,
)
from pneumo_tf.report.figures.picture import Picture, Section, write
from pneumo_tf.report.forked import forked_map
from pneumo_tf.report.rows import Board


class Figures(NamedTuple):
    """An entry of the registry.

    Args:
        title: Heading in the report.
        draw: Gives the pages of a board, none where it lacks what they would show.
        scored: Whether the pages show what a model made of a film.
        by_row: Whether each page is of one row and needs no other.
    """

    title: str
    draw: Callable[[Board], Iterator[Picture]]
    scored: bool = True
    by_row: bool = False


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
    "risk_coverage": Figures("Risk and coverage", risk_coverage.draw),
    "training": Figures("Training curves", training.draw),
    "class_balance": Figures("Class balance", class_balance.draw, scored=False),
    "image_sizes": Figures("Image sizes", image_sizes.draw, scored=False),
    "samples": Figures("Sample films", samples.draw, scored=False),
    "augmented": Figures("Augmented films", augmented.draw, scored=False),
    "grad_cam_suite": Figures("Grad-CAM, recipe by recipe", grad_cam_suite.draw),
    "grad_cam": Figures("Grad-CAM, by outcome", grad_cam.draw),
    "sheets": Figures("Evaluation sheets", sheet.draw, by_row=True),
}

ROWS_AT_A_TIME = 3
"""Rows that a process draws before it asks for more, of figures whose pages are of one row each."""

Task = tuple[str, Board]
"""Key of a figure, and the board or the part of it that it is drawn of."""


def draw(board: Board, out: Path, processes: int = 1) -> list[Section]:
    """Draws every figure of a board for which it holds the data.

    The same board gives the same bytes, however many processes draw. Threads would not do: matplotlib's
    settings are the process's own.

    Args:
        board: What to draw.
        out: The report's folder; pictures come under `figures/<board>/`.
        processes: How many draw at a time.

    Returns:
        Sections in reading order, without those that have nothing to show.
    """
    tasks = list(_tasks(board))
    written = forked_map(lambda task: _write_pages(*task, out), tasks, processes)
    pictures: dict[str, list[tuple[str, str]]] = {name: [] for name in FIGURES}
    for (name, _), pages in zip(tasks, written, strict=True):
        pictures[name] += pages
    return [Section(FIGURES[name].title, pages) for name, pages in pictures.items() if pages]


def _tasks(board: Board) -> Iterator[Task]:
    for name, entry in FIGURES.items():
        if not entry.by_row:
            yield name, board
            continue
        for start in range(0, len(board.rows), ROWS_AT_A_TIME):
            yield name, replace(board, rows=board.rows[start : start + ROWS_AT_A_TIME])


def _write_pages(name: str, board: Board, out: Path) -> list[tuple[str, str]]:
    entry = FIGURES[name]
    with style.applied():
        # One page at a time: a page holds its pixels until it is written.
        return [(page.caption, write(page, board, entry.scored, out)) for page in entry.draw(board)]
