"""Markdown tables, and how many decimals a number earns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.intervals import Estimate, Mean
from pneumo_tf.evaluation.metrics import METRICS

DASH = "–"
ROUNDING = (
    "A column has as many decimals as its median interval supports: two digits of the half-width where they "
    "are 35 or less, otherwise one (the Particle Data Group's rule)."
)
EXTRA = "One decimal more than the intervals support, so that the deviation can be seen."


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
        lines = [_line(map(plain, self.header)), _line(rule)]
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{len(row)} cells under {len(self.header)} titles: {row}")
            lines.append(_line(map(plain, row)))
        notes = [f"<sub>{note}</sub>  " for note in self.notes]
        return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def plain(text: str) -> str:
    """Text that cannot break a table or become markup of its own: one line, bars and angles escaped."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def section(title: str, body: str, lead: str = "") -> str:
    """A part of a page under its heading; empty where it has no body."""
    if not body:
        return ""
    return "\n\n".join(part for part in (f"### {title}", lead, body) if part)


def bullets(lines: Sequence[str]) -> str:
    """Lines as a list."""
    return "\n".join(f"- {plain(line)}" for line in lines)


def supported_decimals(half_widths: Sequence[float], otherwise: int) -> int:
    """Decimals that the median half-width of a column's intervals supports, one to four.

    Args:
        half_widths: Of the intervals; nan where there is none.
        otherwise: What to give where no interval says.

    Reference: Particle Data Group, Review of Particle Physics, section 5.3, "Rounding".
    """
    # Of equal values the width is a rounding error.
    known = [width for width in half_widths if np.isfinite(width) and width > 1e-12]
    if not known:
        return otherwise
    width = float(np.median(known))
    exponent = math.floor(math.log10(width))
    two_digits = width / 10**exponent < 3.55
    return min(max(two_digits - exponent, 1), 4)


def decimals_of(estimates: Sequence[Estimate], metric: str) -> int:
    """Decimals of a column of estimates of one metric."""
    return supported_decimals([estimate.half_width for estimate in estimates], METRICS[metric].digits)


def number(value: float | None, decimals: int) -> str:
    """A number, or a dash where there is none; never a negative zero."""
    if value is None or not np.isfinite(value):
        return DASH
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def signed(value: float, decimals: int) -> str:
    """A difference with its sign."""
    text = number(value, decimals)
    return text if text.startswith((DASH, "-")) else f"+{text}"


def with_interval(estimate: Estimate | Mean, decimals: int) -> str:
    """`0.953 [0.931–0.972]`, and `0.12 [-0.04 to 0.31]` where a dash would read as another minus."""
    if not np.isfinite(estimate.value):
        return DASH
    low, high = number(estimate.low, decimals), number(estimate.high, decimals)
    interval = DASH if low == DASH else f"{low}{' to ' if low.startswith('-') else '–'}{high}"
    return f"{number(estimate.value, decimals)} [{interval}]"


def with_sd(estimate: Estimate, decimals: int) -> str:
    """`0.953 ± 0.004`, or the value alone for one run; one decimal more than `decimals` for the deviation."""
    decimals += 1
    value = number(estimate.value, decimals)
    return value if not np.isfinite(estimate.sd) else f"{value} ± {number(estimate.sd, decimals)}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
