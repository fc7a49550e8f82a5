"""The leaderboard: one Markdown page of every board, with the same numbers as CSV and JSON."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from pneumo_tf.atomic import write_atomically
from pneumo_tf.report import export
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import bullet_list, escape
from pneumo_tf.report.provenance import opening, warnings
from pneumo_tf.report.saliency.page import write_explanations
from pneumo_tf.report.section import Section
from pneumo_tf.report.standings import rank_rows
from pneumo_tf.report.tables.ranking import EMPTY
from pneumo_tf.report.tables.registry import TABLES

NOT_A_DEVICE = "Research on methods. Not a medical device: nothing here is fit for the care of patients."
SYNTHETIC = "SYNTHETIC FILMS: these numbers say that the suite works, nothing about medicine."


def write_leaderboard(
    boards: Sequence[Board],
    out: Path,
    figures: Sequence[Sequence[Section]] = (),
    tables: Sequence[str] = (),
) -> Path:
    """Write `leaderboard.md`, `leaderboard.csv`, `leaderboard.json` and `explanations.md`.

    The files depend on the run folders alone: the same runs give the same bytes.

    Args:
        boards: As `read_boards` returns them.
        out: Folder to write in.
        figures: Pictures of each board, as many as boards; none to link no picture.
        tables: What `tables_below` returned for each board, if it was called before.

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
    pages = [_board(*board) for board in zip(boards, sections, below, strict=True)]
    page = "\n".join(["# Leaderboard", "", NOT_A_DEVICE, "", *(pages or [f"{EMPTY}\n"])])
    write_atomically(out / "leaderboard.md", page)
    write_explanations(boards, out)
    ranked = [rank_rows(board) for board in boards]
    write_atomically(out / "leaderboard.csv", export.to_csv(boards, ranked))
    write_atomically(out / "leaderboard.json", export.to_json(boards, ranked))
    return out / "leaderboard.md"


def tables_below(board: Board) -> str:
    """The tables that stand below a board's pictures, as Markdown."""
    return _tables(board, above_pictures=False)


def _tables(board: Board, *, above_pictures: bool) -> str:
    entries = (entry for entry in TABLES.values() if entry.above_pictures == above_pictures)
    return _joined([entry.markdown(board) for entry in entries])


def _board(board: Board, figures: Sequence[Section], below: str) -> str:
    parts = [f"## {escape(board.title)}, profile {board.profile}"]
    if board.synthetic:
        parts.append(f"> **{SYNTHETIC}**")
    parts.append(bullet_list(opening(board)))
    doubts = warnings(board)
    if doubts:
        parts.append("> [!WARNING]\n" + "\n".join(f"> - {line}" for line in doubts))
    parts.append(_tables(board, above_pictures=True))
    parts += [_pictures(section) for section in figures]
    return _joined([*parts, below])


def _pictures(section: Section) -> str:
    """The pictures of a section, a caption that they share once."""
    title = escape(section.title)
    parts = [f"### {title}"]
    for caption, pictures in groupby(section.pictures, key=lambda picture: picture.caption):
        parts.append(escape(caption))
        for picture in pictures:
            parts += [f"![{title}]({quote(picture.path)})", escape(picture.note)]
    return _joined(parts)


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"
