"""Write the leaderboard, its tables and pictures from run folders, without TensorFlow."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from pneumo_tf.atomic import write_atomically
from pneumo_tf.costs.hardware import cores
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.equivalence import MARGIN
from pneumo_tf.report.board import Board
from pneumo_tf.report.parallel import forked_map, measure_board
from pneumo_tf.report.reading import read_boards
from pneumo_tf.runs import Runs


def write_report(runs: Path, out: Path, table: Path | None = None, margin: float = MARGIN) -> Path:
    """Write the report of a folder of runs.

    Args:
        runs: Folder of the runs.
        out: Folder of the report; its files are replaced.
        table: File for one table of all results, None to write none.
        margin: Smallest difference in AUC that matters, above 0 and below 1.

    Returns:
        The leaderboard's path.

    Raises:
        UserError: If the margin is out of range, there is no run, or the report cannot be written.
    """
    # Imported here: --help would wait for Matplotlib and pandas.
    from pneumo_tf.report.figures import list_drawings, sections
    from pneumo_tf.report.frame import concatenate, frame_to_csv
    from pneumo_tf.report.page import tables_below, write_leaderboard

    if not 0 < margin < 1:
        raise UserError(f"--margin is {margin:g}; it must lie above 0 and below 1")
    boards = [replace(board, margin=margin) for board in read_boards(Runs(runs))]
    if not boards:
        raise UserError(f"{runs} holds no runs; make some with python -m benchmarks.run_all")
    # Only on Linux can a process be forked safely.
    processes = cores() if sys.platform == "linux" else 1
    boards = [measure_board(board, processes) for board in boards]
    tables, pictures = [], []
    for board in boards:
        calls = [partial(tables_below, board), *list_drawings(board, out)]
        text, *drawn = forked_map(lambda call: call(), calls, processes)
        tables.append(text)
        pictures.append(sections(drawn))
    if table:
        frames = forked_map(Board.to_frame, boards, processes)
        write_atomically(table, frame_to_csv(concatenate(frames)))
    return write_leaderboard(boards, out, pictures, tables)


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        leaderboard = write_report(options.runs, options.out, options.csv, options.margin)
    except UserError as error:
        return report_usage_error(error)
    print(f"leaderboard: {leaderboard}")
    if options.csv:
        print(f"table: {options.csv}")
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine(
        "report", __doc__, ["", "--runs outputs/reference --out outputs/report", "--csv results.csv"]
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("outputs/runs"),
        metavar="DIR",
        help="folder of runs (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/report"),
        metavar="DIR",
        help="folder of the report (default: %(default)s)",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write every metric of every row on each set of films to FILE too, one line each",
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=MARGIN,
        metavar="AUC",
        help="smallest difference in AUC that matters, to show which rows are equivalent "
        "(default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
