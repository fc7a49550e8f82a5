"""The table of measurements: markdown with aligned columns, for a terminal and for a page."""

import statistics
from collections.abc import Sequence

from benchmarks.speed.timing import Line
from pneumo_tf.report.markdown import Markdown, Table

HEADER = ("", "What", "Ours", "Theirs", "Ratio", "Target", "Met")
LEFT = 2
DASH = "–"


def tabulate_speed(lines: Sequence[tuple[str, Line]]) -> Markdown:
    """Return the table.

    Args:
        lines: Letter of the entry and line, in order.

    Returns:
        Markdown: medians over the repetitions, the ratio with its lowest and highest pair.
    """
    return Table(HEADER, [_cells(letter, line) for letter, line in lines], left=LEFT, aligned=True).lines


def list_notes(lines: Sequence[tuple[str, Line]]) -> list[str]:
    """Return how each line was measured, one sentence each."""
    return [f"({letter}) {line.what}: {line.note}" for letter, line in lines if line.note]


def _cells(letter: str, line: Line) -> tuple[str, ...]:
    if not line.ours:
        return f"({letter})", line.what, *[DASH] * 4, "open"
    met = {True: "yes", False: "**no**", None: DASH}[line.met]
    return (
        f"({letter})",
        line.what,
        f"{_number(statistics.median(line.ours))} {line.unit}",
        _number(statistics.median(line.theirs)) if line.theirs else DASH,
        _ratio(line.ratios),
        _target(line),
        met,
    )


def _ratio(ratios: Sequence[float]) -> str:
    if not ratios:
        return DASH
    median, low, high = (_number(statistic(ratios)) for statistic in (statistics.median, min, max))
    return f"{median} [{low}–{high}]"


def _target(line: Line) -> str:
    if line.at_least is not None:
        return f"≥ {line.at_least:g}"
    return DASH if line.at_most is None else f"≤ {line.at_most:g} {line.unit}"


def _number(value: float) -> str:
    """Format with three significant digits and no exponent."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{decimals}f}"
