"""Groups of rows that can share a figure, because they have the same protocol."""

from dataclasses import dataclass

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board, Row, best_first
from pneumo_tf.report.figures import style


@dataclass(frozen=True)
class Comparable:
    """The rows of one protocol on one board.

    Args:
        protocol: Name of the protocol.
        rows: Rows with a finished run, by AUC, the best first.
        strokes: Line style of each of `rows`.
        missing: Names of the rows without a finished run.
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

    @property
    def scope(self) -> str:
        """Description of the rows, for the second line of a page's title."""
        recipes = "1 recipe" if len(self.rows) == 1 else f"{len(self.rows)} recipes"
        return f"{recipes} · protocol {self.protocol} · {describe_test_films(self.rows[0].test[0])}"


def comparable(board: Board) -> list[Comparable]:
    """Group the rows of a board by protocol, without protocols that have no finished run."""
    groups = []
    for protocol in dict.fromkeys(row.protocol for row in board.rows):
        rows = [row for row in board.rows if row.protocol == protocol]
        done = best_first(row for row in rows if row.runs)
        if done:
            missing = tuple(row.name for row in rows if not row.runs)
            groups.append(Comparable(protocol, done, tuple(_strokes(board, done)), missing))
    return groups


def groups_to_compare(board: Board) -> list[Comparable]:
    """Group the rows of a board by protocol, without single rows, which have their evaluation sheets."""
    return [group for group in comparable(board) if len(group.rows) > 1]


def finished_rows(board: Board) -> list[Row]:
    """Return the rows with a finished run: the ranking, then each other protocol, the best first."""
    return [row for group in comparable(board) for row in group.rows]


def describe_ranked_and_folds(board: Board) -> str:
    """Describe the protocols of the ranked rows and the rows of folds, and their test films."""
    rows = [row for row in finished_rows(board) if row.ranked or row.cross_validated]
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    word = "protocol" if len(protocols) == 1 else "protocols"
    return f"{word} {' and '.join(protocols)} · {describe_test_films(rows[0].test[0])}"


def describe_test_films(scored: LabelledPredictions) -> str:
    """Describe the number of test films, in total and by class."""
    positive = int(scored.labels.sum())
    return f"{len(scored):,} test films: {len(scored) - positive:,} normal, {positive:,} pneumonia"


def _strokes(board: Board, rows: tuple[Row, ...]) -> list[style.Stroke]:
    """Return strokes chosen by name, so that a row looks the same under every protocol."""
    first = {row.name: row.trivial for row in reversed(board.rows)}
    names = sorted(first)
    given = dict(zip(names, style.strokes([first[name] for name in names]), strict=True))
    return [given[row.name] for row in rows]


def over_runs(row: Row) -> str:
    """Describe the runs over which a mean of the row is taken."""
    if len(row.runs) == 1:
        return "1 run"
    kind = "folds" if any(spec.fold is not None for spec in row.specs) else "seeds"
    return f"mean of {len(row.runs)} {kind}"
