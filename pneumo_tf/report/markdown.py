"""Markdown of the report's pages: tables, sections, lists."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table with the notes that belong under it.

    Args:
        header: Titles of the columns.
        rows: Cells, as many as titles.
        notes: One line each.
        left: Columns that are left-aligned, from the first; numbers are right-aligned.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    left: int = 1

    def markdown(self) -> str:
        """The table as GitHub draws it; empty where it has no rows."""
        if not self.rows:
            return ""
        rule = [":--" if index < self.left else "--:" for index in range(len(self.header))]
        lines = [_line(map(escape, self.header)), _line(rule)]
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{len(row)} cells under {len(self.header)} titles: {row}")
            lines.append(_line(map(escape, row)))
        notes = [f"<sub>{note}</sub>  " for note in self.notes]
        return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def escape(text: str) -> str:
    """Text that cannot break a table or become markup of its own: one line, bars and angles escaped."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def section(title: str, body: str, lead: str = "") -> str:
    """A part of a page under its heading; empty where it has no body."""
    if not body:
        return ""
    return "\n\n".join(part for part in (f"### {title}", lead, body) if part)


def bullet_list(lines: Sequence[str]) -> str:
    """Lines as a list."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def join_names(names: Sequence[str], most: int = 8) -> str:
    """Names in a sentence; of more than `most` only those, and how many are left."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
