"""Loading of boards in notebooks."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo_tf.errors import UserError
from pneumo_tf.report.board import Board
from pneumo_tf.report.reading import read_boards
from pneumo_tf.runs import Runs

if TYPE_CHECKING:
    import pandas as pd


class Boards(tuple[Board, ...]):
    """The boards of a folder of runs, newest first."""

    def to_frame(self) -> "pd.DataFrame":
        """Return the results of every board, a line per row, set of films and metric."""
        # Imported here: pandas takes half a second.
        from pneumo_tf.report.frame import concatenate

        return concatenate(board.to_frame() for board in self)

    def __repr__(self) -> str:
        lines = [f"{board.title}, profile {board.profile}: {len(board.rows)} rows" for board in self]
        return "\n".join(lines)


def load_boards(folder: str | PathLike[str]) -> Boards:
    """Read the boards of finished and unfinished runs, without TensorFlow.

    Args:
        folder: Folder of runs, or the output folder of `run_all`, which contains one.

    Returns:
        A board for each dataset, profile and harness version, newest first.

    Raises:
        UserError: If there is no run, or none can be read.

    Example:
        >>> from pneumo_tf.report import load_boards
        >>> load_boards("outputs").to_frame()
    """
    folder = Path(folder)
    inner = folder / "runs"
    boards = read_boards(Runs(inner if inner.is_dir() else folder))
    if not boards:
        raise UserError(f"{folder} has no runs; make some with python -m benchmarks.run_all")
    return Boards(boards)
