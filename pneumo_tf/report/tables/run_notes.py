"""The table of notes that runs logged for readers of their results."""

from collections import defaultdict

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table, join_names


def run_notes_table(board: Board) -> Table:
    """Return a table with a line for each note and the rows whose runs logged it."""
    rows: dict[str, dict[str, None]] = defaultdict(dict)
    for row in board.rows:
        for environment in row.environments:
            for note in environment.get("notes", ()):
                rows[note][row.label] = None
        for fault in row.damaged_extras:
            rows[f"{fault}; the metrics are not affected"][row.label] = None
    lines = [(note, join_names(list(names))) for note, names in sorted(rows.items())]
    return Table(("Note", "Rows"), lines, left=2)
