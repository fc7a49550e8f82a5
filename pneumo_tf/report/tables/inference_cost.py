"""The table of inference costs: size and speed of a trained model."""

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH
from pneumo_tf.report.tables.cost_columns import Column, costs_table, figure

LEAD = (
    "Means over seeds, from memory to logits on the device of the training: one film at a time, and in the "
    "fastest of a few batches. GFLOPs: of the forward pass, a multiply-add counting 2."
)


def inference_cost_table(board: Board) -> Table:
    """Return a table with a line for each ranked network."""
    return costs_table([row for row in board.ranking if not row.trivial], COLUMNS)


def _batches(row: Row) -> str:
    sizes = {cost["films_per_second_batch"] for cost in row.costs if "films_per_second_batch" in cost}
    return ", ".join(map(str, sorted(sizes))) or DASH


COLUMNS = (
    Column("Parameters", figure("parameters", 0)),
    Column("GFLOPs per film", figure("flops_per_film", 2, 1e9)),
    Column("Latency, median (ms)", figure("latency_ms", 1)),
    Column("Latency, 95th percentile (ms)", figure("latency_p95_ms", 1)),
    Column("Best films/s", figure("films_per_second", 0)),
    Column("Batch", _batches),
)
