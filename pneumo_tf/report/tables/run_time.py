"""The table of run time: seconds of each stage of a run."""

from collections.abc import Callable

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.tables.cost_columns import Column, Cost, costs_table, duration

LEAD = (
    "Means over seeds. Start: until the worker is ready; films: reading and decoding. First calls, which "
    "compile, and validation are parts of training. Rows fitted by scikit-learn have fewer stages."
)


def run_time_table(board: Board) -> Table:
    """Return a table with a line for each ranked row."""
    return costs_table(board.ranking, COLUMNS)


def _stages(*stages: str) -> Callable[[Cost], float | None]:
    def read(cost: Cost) -> float | None:
        known = [cost["seconds"][stage] for stage in stages if stage in cost.get("seconds", {})]
        return sum(known) if known else None

    return read


COLUMNS = (
    Column("Start", duration(_stages("start"))),
    Column("Films", duration(_stages("data", "decode"))),
    Column("Build", duration(_stages("build"))),
    Column("Training", duration(_stages("train"))),
    Column("First calls", duration(lambda cost: cost.get("trace_seconds"))),
    Column("Validation", duration(lambda cost: cost.get("validation_seconds"))),
    Column("Scoring", duration(_stages("predict"))),
    Column("Explaining", duration(_stages("explain"))),
    Column("Saving", duration(_stages("save"))),
    Column("In all", duration(_stages("total"))),
)
