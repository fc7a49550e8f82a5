"""The table of each class: recall, precision and F1 of normal and of pneumonia."""

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.tables.metric_columns import metrics_table

CLASSWISE = {
    "specificity": "Normal: recall (specificity)",
    "npv": "Normal: precision (NPV)",
    "f1_normal": "Normal: F1",
    "sensitivity": "Pneumonia: recall (sensitivity)",
    "sensitivity_bacteria": "Bacterial pneumonia: recall",
    "sensitivity_virus": "Viral pneumonia: recall",
    "ppv": "Pneumonia: precision (PPV)",
    "f1": "Pneumonia: F1",
}
"""Metrics of one class, with their titles in this table."""

SUBTYPE_OF = {"sensitivity_bacteria": "bacteria", "sensitivity_virus": "virus"}
"""Subtype of each metric of a single subtype."""


def each_class_table(board: Board) -> Table:
    """Return a table with a line for each ranked row, and columns for the subtypes of the films."""
    known = {film.subtype for film in board.films}
    shown = {name: title for name, title in CLASSWISE.items() if SUBTYPE_OF.get(name, "") in {"", *known}}
    return metrics_table(board.ranking, shown)
