"""Tables of an examination, for a terminal and for a page: markdown whose columns are also aligned."""

from collections.abc import Sequence
from typing import Any

from benchmarks.doctor.examination import Examination
from benchmarks.doctor.outcome import WRONG, Outcome
from benchmarks.doctor.registry import STEPS
from benchmarks.speed.machine import busy_warning, machine_line
from pneumo_tf.report.markdown import bullet_list, escape

SUMMARY = ("Step", "What", "State", "Seconds", "Rows")
DASH = "–"
SENTENCES = ("problem", "message")
"""Values of rows that are too long for a column: problems are listed below the first table."""


def describe_examination(examination: Examination) -> str:
    """Return the machine, the table of steps and a table for each step that measured something."""
    busy = busy_warning(examination.machine)
    about = [machine_line(examination.machine)]
    if examination.patience != 1:
        about.append(f"time limits × {examination.patience:g}")
    parts = ["\n".join(f"- {line}" for line in about), *([f"> {busy}"] if busy else [])]
    parts.append(summary_table(examination))
    wrong = {name: outcome for name, outcome in examination.outcomes.items() if outcome.state in WRONG}
    if wrong:
        parts.append(bullet_list([f"{name}: {outcome.reason}" for name, outcome in wrong.items()]))
    for name, outcome in examination.outcomes.items():
        if outcome.rows:
            parts += [f"#### {name}: {STEPS[name].title}", rows_table(outcome)]
    return "\n\n".join(parts) + "\n"


def summary_table(examination: Examination) -> str:
    """Return one line for each step: state, seconds, number of rows."""
    rows = []
    for name, outcome in examination.outcomes.items():
        skipped = outcome.state == "skipped"
        figures = (DASH, DASH) if skipped else (f"{outcome.seconds:.1f}", str(len(outcome.rows)))
        state = f"{outcome.state}: {outcome.reason}" if skipped else outcome.state
        rows.append((name, STEPS[name].title, state, *figures))
    return _aligned(SUMMARY, rows)


def rows_table(outcome: Outcome) -> str:
    """Return the rows of a step; columns are the names of their values, in the order in which they come."""
    names = dict.fromkeys(name for row in outcome.rows for name in row if name not in SENTENCES)
    rows = [[_cell(row.get(name)) for name in names] for row in outcome.rows]
    return _aligned([name.replace("_", " ") for name in names], rows)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[escape(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    lines.insert(1, [":" + "-" * (width - 1) for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
