"""The table of counts: test films by true and predicted label."""

import numpy as np

from pneumo_tf.evaluation.metrics import count_outcomes
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import format_number

LEAD = "Films of the test set, means over seeds."


def counts_table(board: Board) -> Table:
    """Return a table with a line for each ranked row."""
    header = ("Recipe", "TN", "FP (false alarms)", "FN (missed)", "TP", "Normal films", "Pneumonia films")
    lines = []
    for row in board.ranking:
        counts = [count_outcomes(scored.labels, scored.score) for scored in row.test]
        tn, fp, fn, tp = np.mean(counts, axis=0)
        decimals = 1 if len(counts) > 1 else 0
        predicted = (format_number(count, decimals) for count in (tn, fp, fn, tp))
        lines.append((row.name, *predicted, format_number(tn + fp, 0), format_number(fn + tp, 0)))
    return Table(header, lines)
