"""The table of notes that runs logged and that a reader of their numbers must know."""

from collections import defaultdict

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table, join_names


def run_notes_table(board: Board) -> Table:
    """A line for each note, with the rows whose runs logged it."""
    rows: dict[str, dict[str, None]] = defaultdict(dict)
    for row in board.rows:
        for environment in row.environments:
            for note in environment.get("notes", ()):
                rows[note][row.name] = None
        for fault in row.damaged_extras:
            rows[f"{fault}; the metrics are not affected"][row.name] = None
    lines = [(note, join_names(list(names))) for note, names in sorted(rows.items())]
    return Table(("Note", "Rows"), lines, left=2)
