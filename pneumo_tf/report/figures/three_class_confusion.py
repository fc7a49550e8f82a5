"""Figure of the confusion matrices of rows that distinguish three classes."""

from collections.abc import Iterator

import numpy as np

from pneumo_tf.data.target_classes import TARGET_CLASSES
from pneumo_tf.evaluation.one_vs_rest import count_confusions, has_three_classes
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import finished_rows, over_runs
from pneumo_tf.report.figures.confusion import draw_confusion_matrix
from pneumo_tf.report.figures.picture import Picture

COLUMNS = 3


def draw_three_class_confusions(board: Board) -> Iterator[Picture]:
    """Draw one page of confusion matrices per protocol."""
    rows = [row for row in finished_rows(board) if has_three_classes(row.test)]
    for protocol in dict.fromkeys(row.protocol for row in rows):
        group = [row for row in rows if row.protocol == protocol]
        columns = min(COLUMNS, len(group))
        figure, axes = style.page(
            style.rows_for(len(group), columns),
            columns,
            (2.6, 1.95),
            (0.5, 0.68),
            style.Margins(0.7, 0.35, 0.85, 0.62),
        )
        for ax, row in zip(axes.flat, group, strict=False):
            counts = np.mean([count_confusions(run) for run in row.test], axis=0)
            draw_confusion_matrix(ax, counts, classes=TARGET_CLASSES[3])
            ax.set_title(f"{style.fold(row.name, 30)}\n{over_runs(row)}", size=style.SMALL)
        style.drop(axes.flat[len(group) :])
        style.label_outer(axes, len(group), "predicted", "true")
        style.heading(figure, "Confusion matrices of three classes", f"protocol {protocol} · test films")
        yield Picture(
            f"confusion-three-classes-{protocol}",
            "True classes in rows, classes with the largest logit in columns; percentages by row. Counts are "
            "the mean over the runs of a row. Better: dark on the diagonal, pale off it.",
            figure,
        )
