"""ROC curves of all rows in one picture."""

from collections.abc import Iterator

from pneumo_tf.evaluation.metrics import measure
from pneumo_tf.evaluation.scored import Scored
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import comparable
from pneumo_tf.report.figures.operating_curves import mean_roc, operating_point, overlay_page
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.rows import Board


def roc_point(scored: Scored) -> tuple[float, float]:
    """False positive rate and sensitivity at probability 0.5."""
    values = measure(scored.labels, scored.score, names=("specificity", "sensitivity"))
    return 1 - float(values["specificity"][0]), float(values["sensitivity"][0])


def draw(board: Board) -> Iterator[Picture]:
    """Draws one overlay per protocol."""
    for group in comparable(board):
        curves = [mean_roc(row.test) for row in group.rows]
        if not any(curve.defined for curve in curves):
            continue
        estimates = [row.estimates["auc"] for row in group.rows]
        points = [operating_point(row.test, roc_point) for row in group.rows]
        figure, axes = overlay_page(
            group,
            curves,
            points,
            estimates,
            "ROC curves, with AUC and its 95 % interval",
            ((0, 0.5), (0.5, 1)),
        )
        axes[0].plot((0, 1), (0, 1), color=style.RULE, lw=1, zorder=0)
        axes[0].set_ylabel("sensitivity")
        for ax in axes:
            ax.set_xlabel("false positive rate: 1 − specificity")
        yield Picture(
            f"roc-{group.protocol}",
            "Sensitivity against false positive rate over all thresholds, the mean over the runs of a "
            "row; dots mark probability 0.5, trivial rows are grey. Better: toward the upper left "
            f"corner. Intervals that overlap widely do not rank their rows. {group.note}",
            figure,
        )
