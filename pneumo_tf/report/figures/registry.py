"""Registry of a report's figures, in reading order; a new figure is one entry."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import (
    augmented,
    class_balance,
    comparison,
    confusion,
    cost,
    decision_curves,
    difference_map,
    grad_cam,
    grad_cam_classes,
    grad_cam_suite,
    histograms,
    image_sizes,
    missed,
    operating_curves,
    reliability,
    risk_coverage,
    samples,
    sheet,
    style,
    three_class_confusion,
    training,
)
from pneumo_tf.report.figures.comparable import finished_rows
from pneumo_tf.report.figures.picture import Picture, write_picture
from pneumo_tf.report.section import LinkedPicture, Section


class Figures(NamedTuple):
    """An entry of the registry.

    Args:
        title: Heading in the report.
        draw: Function from a board to its pages; it yields none if the board lacks the data.
        scored: True if the pages show predictions of a model.
        by_row: True if each page shows one row.
    """

    title: str
    draw: Callable[[Board], Iterator[Picture]]
    scored: bool = True
    by_row: bool = False


FIGURES: dict[str, Figures] = {
    "metrics": Figures("Metrics", comparison.draw_metrics),
    "differences": Figures("Differences of AUC", difference_map.draw_auc_differences),
    "cost": Figures("AUC against cost", cost.draw_auc_against_cost),
    "roc": Figures("ROC curves", operating_curves.draw_roc_curves),
    "precision_recall": Figures("Precision-recall curves", operating_curves.draw_precision_recall_curves),
    "decision_curves": Figures("Decision curves", decision_curves.draw_decision_curves),
    "missed": Figures("Missed pneumonia", missed.draw_missed_pneumonia),
    "confusion": Figures("Confusion matrices", confusion.draw_confusion_matrices),
    "three_class_confusion": Figures(
        "Confusion matrices of three classes", three_class_confusion.draw_three_class_confusions
    ),
    "histograms": Figures("Scores by class", histograms.draw_score_histograms),
    "reliability": Figures("Reliability", reliability.draw_reliability_diagrams),
    "risk_coverage": Figures("Risk and coverage", risk_coverage.draw_risk_coverage_curves),
    "training": Figures("Training curves", training.draw_training_curves),
    "class_balance": Figures("Class balance", class_balance.draw_class_balance, scored=False),
    "image_sizes": Figures("Image sizes", image_sizes.draw_image_sizes, scored=False),
    "samples": Figures("Sample films", samples.draw_sample_films, scored=False),
    "augmented": Figures("Augmented films", augmented.draw_augmented_films, scored=False),
    "grad_cam_suite": Figures("Grad-CAM, recipe by recipe", grad_cam_suite.draw_grad_cam_by_recipe),
    "grad_cam": Figures("Grad-CAM, by outcome", grad_cam.draw_grad_cam_by_outcome),
    "grad_cam_classes": Figures("Grad-CAM, by class", grad_cam_classes.draw_grad_cam_by_class),
    "sheets": Figures("Evaluation sheets", sheet.draw_evaluation_sheets, by_row=True),
}

Drawn = tuple[str, list[LinkedPicture]]
"""Key of a figure, and its pages as they were written."""


def list_drawings(board: Board, out: Path) -> list[Callable[[], Drawn]]:
    """Return functions that each draw and write one figure of a board, or one row of a figure.

    They may run in any process, and the same board gives the same bytes. They cannot run in threads, because
    Matplotlib's settings are global to a process.

    Args:
        board: Board to draw.
        out: The report's folder; pictures come under `figures/<board>/`.
    """
    calls = []
    for name, entry in FIGURES.items():
        parts = [replace(board, rows=(row,)) for row in finished_rows(board)] if entry.by_row else [board]
        calls += [partial(_write_pages, name, part, out) for part in parts]
    return calls


def sections(drawn: Iterable[Drawn]) -> list[Section]:
    """Return the drawn pictures in reading order, without figures that have nothing to show."""
    pictures: dict[str, list[LinkedPicture]] = {name: [] for name in FIGURES}
    for name, pages in drawn:
        pictures[name] += pages
    return [Section(FIGURES[name].title, pages) for name, pages in pictures.items() if pages]


def _write_pages(name: str, board: Board, out: Path) -> Drawn:
    entry = FIGURES[name]
    with style.applied():
        # One page at a time, because a page keeps its pixels in memory until it is written.
        return name, [
            LinkedPicture(write_picture(page, board, entry.scored, out), page.caption, page.note)
            for page in entry.draw(board)
        ]
