"""The leaderboard: one Markdown page with all boards, and the same numbers as CSV and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumo_tf.atomic import write_atomically
from pneumo_tf.report import export
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Markdown, join_parts, render
from pneumo_tf.report.provenance import opening, warnings
from pneumo_tf.report.saliency.page import write_explanations
from pneumo_tf.report.section import Section
from pneumo_tf.report.standings import rank_rows
from pneumo_tf.report.tables.ranking import EMPTY
from pneumo_tf.report.tables.registry import TABLES

NOT_A_DEVICE = "Research on methods. Not a medical device: nothing here is suitable for the care of patients."
SYNTHETIC = "SYNTHETIC FILMS: numbers test the suite and have no medical meaning."


def write_leaderboard(
    boards: Sequence[Board],
    out: Path,
    figures: Sequence[Sequence[Section]] = (),
    tables: Sequence[Markdown] = (),
) -> Path:
    """Write `leaderboard.md`, `leaderboard.csv`, `leaderboard.json` and `explanations.md`.

    The files depend on the run folders alone: the same runs give the same bytes.

    Args:
        boards: Boards from `read_boards`.
        out: Folder to write in.
        figures: Sections of pictures of each board; empty for a page without pictures.
        tables: Result of `tables_below` for each board; empty to compute it here.

    Returns:
        Path of the page.

    Example:
        >>> from pathlib import Path
        >>> from pneumo_tf.report.page import write_leaderboard
        >>> from pneumo_tf.report.reading import read_boards
        >>> from pneumo_tf.runs import Runs
        >>> write_leaderboard(read_boards(Runs(Path("outputs/runs"))), Path("outputs/report"))
        PosixPath('outputs/report/leaderboard.md')
    """
    sections = figures or [()] * len(boards)
    below = tables or [tables_below(board) for board in boards]
    pages = [_BoardPage(*board) for board in zip(boards, sections, below, strict=True)]
    page = render("leaderboard.md", pages=pages, not_a_device=NOT_A_DEVICE, synthetic=SYNTHETIC, empty=EMPTY)
    write_atomically(out / "leaderboard.md", page)
    write_explanations(boards, out)
    ranked = [rank_rows(board) for board in boards]
    write_atomically(out / "leaderboard.csv", export.to_csv(boards))
    write_atomically(out / "leaderboard.json", export.to_json(boards, ranked))
    return out / "leaderboard.md"


def tables_below(board: Board) -> Markdown:
    """Return the tables below a board's pictures."""
    return _tables(board, above_pictures=False)


def _tables(board: Board, *, above_pictures: bool) -> Markdown:
    entries = (entry for entry in TABLES.values() if entry.above_pictures == above_pictures)
    return join_parts(entry.markdown(board) for entry in entries)


@dataclass(frozen=True)
class _BoardPage:
    """Content of the page for a board.

    Args:
        board: The board.
        sections: Its pictures.
        below: Tables below the pictures.
    """

    board: Board
    sections: Sequence[Section]
    below: Markdown

    @property
    def opening(self) -> list[str]:
        return opening(self.board)

    @property
    def warnings(self) -> list[str]:
        return warnings(self.board)

    @property
    def above(self) -> Markdown:
        return _tables(self.board, above_pictures=True)
