"""Rows that can share a figure: their test films were chosen the same way."""

from dataclasses import dataclass

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style


@dataclass(frozen=True)
class Comparable:
    """The rows of one protocol on one board.

    Args:
        protocol: Name of the protocol.
        rows: Those with a run that is done, in the board's order.
        strokes: Line style of each of `rows`.
        missing: Names of the rows without one.
    """

    protocol: str
    rows: tuple[Row, ...]
    strokes: tuple[style.Stroke, ...]
    missing: tuple[str, ...]

    @property
    def note(self) -> str:
        """Note for a caption: the protocol, the number of runs, and the rows without one."""
        counts = sorted({len(row.runs) for row in self.rows})
        number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
        runs = "1 run" if counts == [1] else f"{number} runs"
        missing = f" Without a finished run: {', '.join(self.missing)}." if self.missing else ""
        return f"Protocol {self.protocol}, {runs} a row.{missing}"


def comparable(board: Board) -> list[Comparable]:
    """Group the rows of a board by protocol, without protocols that have no finished run."""
    groups = []
    for protocol in dict.fromkeys(row.protocol for row in board.rows):
        rows = [row for row in board.rows if row.protocol == protocol]
        done = tuple(row for row in rows if row.runs)
        if done:
            missing = tuple(row.name for row in rows if not row.runs)
            groups.append(Comparable(protocol, done, tuple(_strokes(board, done)), missing))
    return groups


def _strokes(board: Board, rows: tuple[Row, ...]) -> list[style.Stroke]:
    """Return strokes by name, so that a row looks the same under every protocol."""
    first = {row.name: row.trivial for row in reversed(board.rows)}
    names = sorted(first)
    given = dict(zip(names, style.strokes([first[name] for name in names]), strict=True))
    return [given[row.name] for row in rows]


def over_runs(row: Row) -> str:
    """Describe the runs that a mean of the row is taken over."""
    if len(row.runs) == 1:
        return "1 run"
    kind = "folds" if any(spec.fold is not None for spec in row.specs) else "seeds"
    return f"mean of {len(row.runs)} {kind}"
