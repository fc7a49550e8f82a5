"""Markdown of the project's pages: templates, tables and escaping."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

ACTIVE = {"|": "\\|", "<": "&lt;", "`": "\\`", "](": "]\\("}
"""Characters that could break a table, become HTML, close a code span or make a link."""

ACTIVE_TEXT = re.compile("|".join(map(re.escape, ACTIVE)))
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal or browser interprets: escape sequences, and marks of text direction."""


class Markdown(Markup):
    """Text that already is Markdown and that pages use unchanged; templates escape all other text."""

    @classmethod
    def escape(cls, text: Any) -> "Markdown":
        """Escape text to one line of Markdown; text that already is Markdown is not changed."""
        if isinstance(text, Markup):
            return cls(text)
        line = CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(text).split()))
        return cls(ACTIVE_TEXT.sub(lambda found: ACTIVE[found[0]], line))


def code(text: str) -> Markdown:
    """Return text as a code span."""
    line = CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
    return Markdown(f"`{line.replace('`', chr(39)).replace('|', chr(92) + '|')}`")


@dataclass(frozen=True)
class Table:
    """A table with its texts.

    Args:
        header: Titles of the columns.
        rows: Cells of each row, one per column.
        notes: Small lines below the table, about single cells.
        left: Number of left-aligned columns, from the first; the others are right-aligned.
        title: Heading of the table, if its part of the page has several.
        lead: How to read the table; shown above it.
        legend: How to read the columns; a list below the table.
        empty: Text shown instead of a table without rows.
        aligned: Whether to pad columns, for a terminal.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    left: int = 1
    title: str = ""
    lead: str = ""
    legend: Sequence[str] = ()
    empty: str = ""
    aligned: bool = False

    def markdown(self) -> Markdown:
        """Return the table as GitHub-flavoured Markdown; `empty` if it has no rows.

        Raises:
            ValueError: If a row has not as many cells as there are titles.
        """
        return render("table.md", table=self)

    @property
    def lines(self) -> Markdown:
        """Header, rule and rows.

        Raises:
            ValueError: If a row has not as many cells as there are titles.
        """
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{len(row)} cells under {len(self.header)} titles: {row}")
        cells = [[Markdown.escape(cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [0] * len(self.header)
        if self.aligned:
            widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(self.header))]
        lines = [self._pad(row, widths) for row in cells]
        dashes = ["-" * max(2, width - 1) for width in widths]
        rule = [f":{dash}" if index < self.left else f"{dash}:" for index, dash in enumerate(dashes)]
        return Markdown("\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:])))

    def _pad(self, row: Sequence[str], widths: Sequence[int]) -> list[str]:
        return [
            str(cell).ljust(width) if index < self.left else str(cell).rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]


def render(template: str, **values: Any) -> Markdown:
    """Render a template as a page or a part of one.

    Args:
        template: Name of a template, without its suffix.
        **values: Values of the template; text that is not `Markdown` is escaped.
    """
    text = _environment().get_template(f"{template}.jinja").render(**values)
    return Markdown(re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n" if text.strip() else "")


def join_names(names: Sequence[str], most: int = 8) -> str:
    """Join names for a sentence: the first `most` of them, and the number of others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def join_parts(parts: Iterable[str]) -> Markdown:
    """Join parts of a page, all Markdown, with an empty line between them; empty parts are left out."""
    return Markdown("\n\n".join(part.strip("\n") for part in parts if part.strip()))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pneumo_tf.report"),
        autoescape=True,
        finalize=Markdown.escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
