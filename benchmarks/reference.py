"""Store finished runs as reference, and write the boards of README from them.

With --runs, the files of finished runs that a board needs are copied to outputs/reference, without models,
logs and pictures; predictions and measures of maps are gzipped. Without it, only the boards of README are
written.
"""

import gzip
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from benchmarks.page_part import replace_part
from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import join_parts, render
from pneumo_tf.report.provenance import opening
from pneumo_tf.report.reading import read_boards
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs

REFERENCE = Path("outputs/reference")
FILES = ("run.json", "status.json", "history.csv", "costs.json", "environment.json")
FILES_OF_DATASET = ("films.csv", "dataset.json")

GZIPPED = ("explanations.json", "explanations/*.json", "predictions/*.csv")
"""Files stored gzipped."""


def store_runs(runs: Path, reference: Path) -> int:
    """Copy the files of finished runs that a board needs.

    Args:
        runs: A folder of runs.
        reference: Folder that stores them; runs of the same id are replaced.

    Returns:
        Number of runs stored.
    """
    done = [folder for folder in Runs(runs) if folder.state == "done"]
    for folder in done:
        _store_run(folder, reference / folder.path.name)
        dataset = folder.spec.dataset
        for name in FILES_OF_DATASET:
            content = (Runs(runs).dataset_folder(dataset) / name).read_bytes()
            write_atomically(Runs(reference).dataset_folder(dataset) / name, content)
    return len(done)


def _store_run(folder: RunFolder, target: Path) -> None:
    for name in FILES:
        if (folder.path / name).exists():
            write_atomically(target / name, (folder.path / name).read_bytes())
    for file in sorted(file for pattern in GZIPPED for file in folder.path.glob(pattern)):
        # Without a time stamp, equal content gives equal bytes.
        packed = gzip.compress(file.read_bytes(), mtime=0)
        write_atomically(target / f"{file.relative_to(folder.path)}.gz", packed)


def boards_text(reference: Path) -> str:
    """Return the boards of the reference runs as Markdown for README."""
    return f"{join_parts(map(_board, read_boards(Runs(reference))))}\n"


def _board(board: Board) -> str:
    # Imported here: --help would wait for pandas.
    from pneumo_tf.report.tables.registry import TABLES

    more = [TABLES[name].markdown(board, level=4) for name in ("cross_validation", "protocols")]
    ranking = TABLES["ranking"].make(board)
    return render("reference.md", board=board, opening=opening(board), ranking=ranking, more=more)


def write_boards(page: Path, reference: Path) -> None:
    """Replace the text between the board marks of a page.

    Raises:
        UserError: If the page has no such marks.
    """
    text = replace_part(page.read_text("utf-8"), "boards", boards_text(reference), page)
    write_atomically(page, text)


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        if options.runs:
            stored = store_runs(options.runs, options.reference)
            print(f"{stored} finished runs stored in {options.reference}")
        write_boards(options.readme, options.reference)
    except (UserError, OSError) as error:
        return report_usage_error(error)
    print(f"boards written to {options.readme}")
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine("reference", __doc__, ["", "--runs outputs/runs"])
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of finished runs to store")
    parser.add_argument(
        "--reference",
        type=Path,
        default=REFERENCE,
        metavar="DIR",
        help="folder of stored runs (default: %(default)s)",
    )
    parser.add_argument(
        "--readme",
        type=Path,
        default=Path("README.md"),
        metavar="FILE",
        help="page with marks around its boards (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
