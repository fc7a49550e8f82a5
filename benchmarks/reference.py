"""Store finished runs as reference, and write the parts of README and docs that show them.

With --runs, the files of finished runs that a board needs are copied to outputs/reference, without models,
logs and pictures; predictions and measures of maps are gzipped. --study names the page that they are for.
Without --runs, only the parts of pages are written.
"""

import gzip
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from benchmarks.page_part import write_part
from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError
from pneumo_tf.external_sets import fingerprint_of
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Markdown, join_parts, render
from pneumo_tf.report.provenance import opening, warnings
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
        for dataset in (folder.spec.dataset, *_external_datasets(folder)):
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


def _external_datasets(folder: RunFolder) -> list[str]:
    """Return the fingerprints of the external films that a run has predictions of."""
    return [found for name in folder.prediction_sets() if (found := fingerprint_of(name))]


def _suite(board: Board) -> Markdown:
    """Return a board for README: its opening, ranking and tables of other protocols."""
    # Imported here, and below: --help would wait for pandas.
    from pneumo_tf.report.tables.registry import TABLES

    more = [TABLES[name].markdown(board, level=4) for name in ("cross_validation", "protocols")]
    ranking = TABLES["ranking"].make(board)
    return render(
        "reference.md",
        board=board,
        opening=opening(board),
        warnings=warnings(board),
        ranking=ranking,
        more=more,
    )


def _tables(names: Sequence[str], board: Board) -> Markdown:
    """Return tables of a board for a page of docs, below its opening and warnings."""
    from pneumo_tf.report.tables.registry import TABLES

    parts = [TABLES[name].markdown(board) for name in names]
    return render("study.md", opening=opening(board), warnings=warnings(board), parts=parts)


def _external_maps(board: Board) -> Markdown:
    """Return the measures of a board's maps on external films."""
    from pneumo_tf.report.saliency.page import render_external_maps

    return render_external_maps(board)


@dataclass(frozen=True)
class Study:
    """Runs that are stored together, and the part of a page that shows them.

    Args:
        folder: Folder of the runs, under that of all reference runs.
        page: The page, under the root of the project.
        part: Name of the part of the page.
        write: Function from a board to its Markdown.
    """

    folder: Path
    page: Path
    part: str
    write: Callable[[Board], Markdown]

    def text(self, root: Path) -> str:
        """Return the part of the page.

        Args:
            root: Root of the project.
        """
        boards = read_boards(Runs(root / REFERENCE / self.folder))
        return f"{join_parts(map(self.write, boards))}\n"

    def write_page(self, root: Path) -> None:
        """Replace the part of the page.

        Args:
            root: Root of the project.

        Raises:
            UserError: If the page has no marks of the part.
        """
        write_part(root / self.page, self.part, self.text(root))


STUDIES = {
    "suite": Study(Path(), Path("README.md"), "boards", _suite),
    "external": Study(
        Path("external"),
        Path("docs/external.md"),
        "external",
        partial(_tables, ("external_validation", "external_subgroups", "local_thresholds")),
    ),
    "boxes": Study(Path("external"), Path("docs/external.md"), "boxes", _external_maps),
    "nih_folds": Study(
        Path("nih_folds"),
        Path("docs/external.md"),
        "folds",
        partial(_tables, ("cross_validation", "metadata_gain")),
    ),
    "three_classes": Study(
        Path("three_classes"), Path("docs/three_classes.md"), "tables", partial(_tables, ("three_classes",))
    ),
}
"""Studies by name."""


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        studies = list(STUDIES.values())
        if options.study:
            # Every part of a page that shows these runs.
            studies = [one for one in studies if one.folder == STUDIES[options.study].folder]
        if options.runs:
            if not options.study:
                raise UserError(f"--runs needs --study, one of {', '.join(STUDIES)}")
            folder = options.root / REFERENCE / STUDIES[options.study].folder
            print(f"{store_runs(options.runs, folder)} finished runs stored in {folder}")
        for study in studies:
            study.write_page(options.root)
            print(f"results written to {options.root / study.page}")
    except (UserError, OSError) as error:
        return report_usage_error(error)
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine("reference", __doc__, ["", "--runs outputs/runs --study suite"])
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of finished runs to store")
    parser.add_argument("--study", choices=STUDIES, help="study of the runs (default: all studies)")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="root of the project (default: the current folder)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
