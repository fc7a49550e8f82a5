"""Markdown of the report's pages: tables, sections, lists."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table with the texts that belong to it.

    Args:
        header: Titles of the columns.
        rows: Cells, as many as titles.
        notes: Small lines below it, about single cells.
        left: Columns that are left-aligned, from the first; numbers are right-aligned.
        title: Its heading, if it is one of several under the heading of their part of the page.
        lead: Markdown between that heading and the table.
        legend: How to read its columns, as a list below it.
        empty: Text in place of a table without rows.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    left: int = 1
    title: str = ""
    lead: str = ""
    legend: Sequence[str] = ()
    empty: str = ""

    def markdown(self) -> str:
        """The table as GitHub draws it; `empty` if it has no rows.

        Raises:
            ValueError: If a row has not as many cells as there are titles.
        """
        if not self.rows:
            return self.empty
        rule = [":--" if index < self.left else "--:" for index in range(len(self.header))]
        lines = [_line(map(escape, self.header)), _line(rule)]
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{len(row)} cells under {len(self.header)} titles: {row}")
            lines.append(_line(map(escape, row)))
        heading = f"#### {escape(self.title)}" if self.title else ""
        notes = "\n".join(f"<sub>{note}</sub>  " for note in self.notes)
        parts = (heading, self.lead, "\n".join(lines), notes, bullet_list(self.legend))
        return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Text on one line that cannot break a table or become HTML: bars and angles are escaped."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def section(title: str, body: str, lead: str = "", level: int = 3) -> str:
    """A part of a page under its heading of 1 to 6 hashes; empty without a body."""
    if not body:
        return ""
    return "\n\n".join(part for part in (f"{'#' * level} {title}", lead, body) if part)


def bullet_list(lines: Sequence[str]) -> str:
    """Lines as a list."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def join_names(names: Sequence[str], most: int = 8) -> str:
    """Return names for a sentence: the first `most` of them, and how many are left."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
