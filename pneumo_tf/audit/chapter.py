"""Chapters of the page, each with the findings on one subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.figure import Figure

from pneumo_tf.report.markdown import Markdown, Table, code
from pneumo_tf.report.number_format import format_number


class Drawing(NamedTuple):
    """A picture of the page.

    Args:
        name: Name of its file, without suffix.
        caption: Description of the picture.
        figure: The picture.
        shows_films: Whether it shows films, which may need a licence to be published.
    """

    name: str
    caption: str
    figure: Figure
    shows_films: bool = False


@dataclass(frozen=True)
class Chapter:
    """Findings on one subject.

    Args:
        title: The heading.
        findings: Findings, one sentence with its numbers each.
        tables: Tables below the findings.
        drawings: Pictures below the tables.
        care: Lines of the box "What to take care of" at the top of the page; most chapters have one.
        left_out: Reason if there are no findings, else `""`.
    """

    title: str
    findings: Sequence[str] = ()
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    care: Sequence[str] = ()
    left_out: str = ""


def count_of(number_of: int, noun: str, plural: str | None = None) -> str:
    """Return `1 film`, `2 films` or `no films`."""
    if number_of == 1:
        return f"1 {noun}"
    return f"{number_of:,} {plural or noun + 's'}" if number_of else f"no {plural or noun + 's'}"


def percent(share: float) -> str:
    """Format a share as `38 %`; below 10 % with a decimal, so that a small share is not shown as 0 %."""
    return f"{format_number(100 * share, 0 if share >= 0.1 or share == 0 else 1)} %"


def list_names(names: Sequence[str], most: int = 3) -> Markdown:
    """Return the first names, formatted as code, and the number of further ones."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return Markdown(", ".join(map(code, names[:most])) + rest)
