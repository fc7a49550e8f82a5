"""Writes the leaderboard, its tables and pictures from run folders alone."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pneumo_tf.costs.hardware import cores
from pneumo_tf.errors import UserError
from pneumo_tf.report.figures import drawings, sections
from pneumo_tf.report.page import tables_below, write_leaderboard
from pneumo_tf.report.parallel import forked_map, score_board
from pneumo_tf.report.reading import read_boards
from pneumo_tf.runs import Runs


def write_report(runs: Path, out: Path) -> Path:
    """Writes the report of a folder of runs.

    Args:
        runs: Folder of the runs.
        out: Folder of the report; its files are replaced.

    Returns:
        The leaderboard's path.

    Raises:
        UserError: If there is no run, or the place cannot be written.
    """
    boards = read_boards(Runs(runs))
    if not boards:
        raise UserError(f"{runs} holds no runs; python -m benchmarks.run_all makes some")
    # Elsewhere than on Linux a process cannot be forked safely.
    processes = cores() if sys.platform == "linux" else 1
    boards = [score_board(board, processes) for board in boards]
    tables, pictures = [], []
    for board in boards:
        calls = [partial(tables_below, board), *drawings(board, out)]
        text, *drawn = forked_map(lambda call: call(), calls, processes)
        tables.append(text)
        pictures.append(sections(drawn))
    return write_leaderboard(boards, out, pictures, tables)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument(
        "--runs", type=Path, default=Path("outputs/runs"), metavar="DIR", help="folder of runs (%(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/report"),
        metavar="DIR",
        help="folder to write in (%(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        print(f"leaderboard: {write_report(options.runs, options.out)}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
