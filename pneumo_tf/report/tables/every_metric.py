"""The table of all metrics that are not about one class."""

from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.tables.each_class import CLASSWISE
from pneumo_tf.report.tables.metric_columns import metrics_table


def every_metric_table(board: Board) -> Table:
    """Return a table with a line for each ranked row; an arrow marks metrics for which lower is better."""
    titles = {
        name: f"{metric.title} ↓" if metric.better == "lower" else metric.title
        for name, metric in METRICS.items()
        if name not in CLASSWISE
    }
    return metrics_table(board.ranking, titles)
