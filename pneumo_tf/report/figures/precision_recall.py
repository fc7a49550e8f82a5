"""Precision-recall curves of all rows in one picture."""

from collections.abc import Iterator

from pneumo_tf.evaluation.metrics import measure
from pneumo_tf.evaluation.scored import Scored
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import comparable
from pneumo_tf.report.figures.operating_curves import mean_precision, operating_point, overlay_page
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.rows import Board


def precision_point(scored: Scored) -> tuple[float, float]:
    """Recall and precision at probability 0.5."""
    values = measure(scored.labels, scored.score, names=("sensitivity", "ppv"))
    return float(values["sensitivity"][0]), float(values["ppv"][0])


def draw(board: Board) -> Iterator[Picture]:
    """Draws one overlay per protocol."""
    for group in comparable(board):
        curves = [mean_precision(row.test) for row in group.rows]
        prevalence = float(group.rows[0].test[0].labels.mean())
        if prevalence in (0, 1):  # of one class, every film is called right or none can be
            continue
        estimates = [row.estimates["average_precision"] for row in group.rows]
        points = [operating_point(row.test, precision_point) for row in group.rows]
        title = "Precision-recall curves, with average precision and its 95 % interval"
        figure, axes = overlay_page(group, curves, points, estimates, title, ((0.5, 1), (0.5, 1)))
        for ax in axes:
            ax.axhline(prevalence, color=style.QUIET, lw=0.9, ls=(0, (1, 1.5)))
            ax.set_xlabel("recall: sensitivity")
        axes[0].text(0.02, prevalence - 0.015, f"prevalence {prevalence:.3f}", va="top", color=style.QUIET)
        axes[0].set_ylabel("precision: PPV")
        yield Picture(
            f"precision-recall-{group.protocol}",
            "Precision against recall over all thresholds, the mean over the runs of a row; dots mark "
            "probability 0.5, trivial rows are grey. The dotted line is the share of pneumonia among the "
            "films, which is what guessing reaches. Better: toward the upper right corner. Precision "
            f"depends on that share: a clinic with fewer pneumonias would see less of it. {group.note}",
            figure,
        )
