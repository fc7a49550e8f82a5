"""The first rows of a ranking, for tables whose measures take long."""

from collections.abc import Sequence

from pneumo_tf.report.board import Row

MOST_ROWS = 50
"""Most rows of such a table."""


def first_rows(rows: Sequence[Row]) -> tuple[Sequence[Row], list[str]]:
    """Return the first rows, and a note for the table if there are more.

    Args:
        rows: Rows in the order of the ranking.
    """
    notes = [f"The first {MOST_ROWS} of {len(rows):,} rows."] if len(rows) > MOST_ROWS else []
    return rows[:MOST_ROWS], notes
