"""Tables of an examination: markdown with aligned columns, for a terminal and for a page."""

from typing import Any

from benchmarks.doctor.examination import Examination
from benchmarks.doctor.outcome import BAD_STATES, Outcome
from benchmarks.doctor.registry import STEPS
from benchmarks.speed.machine import format_machine, warn_if_busy
from pneumo_tf.report.markdown import Markdown, Table, render

SUMMARY = ("Step", "What", "State", "Seconds", "Rows")
DASH = "–"
SENTENCES = ("problem", "message")
"""Values of rows that are too long for a column: problems are listed below the first table."""


def describe_examination(examination: Examination) -> Markdown:
    """Return the machine, the table of steps and a table for each step that measured something."""
    busy = warn_if_busy(examination.machine)
    about = [format_machine(examination.machine)]
    if examination.patience != 1:
        about.append(f"time limits × {examination.patience:g}")
    outcomes = examination.outcomes.items()
    return render(
        "examination.md",
        about=about,
        busy=busy,
        summary=summary_table(examination),
        wrong=[(name, outcome.reason) for name, outcome in outcomes if outcome.state in BAD_STATES],
        steps=[(name, STEPS[name].title, rows_table(outcome)) for name, outcome in outcomes if outcome.rows],
    )


def summary_table(examination: Examination) -> Markdown:
    """Return one line for each step: state, seconds, number of rows."""
    rows = []
    for name, outcome in examination.outcomes.items():
        skipped = outcome.state == "skipped"
        figures = (DASH, DASH) if skipped else (f"{outcome.seconds:.1f}", str(len(outcome.rows)))
        state = f"{outcome.state}: {outcome.reason}" if skipped else outcome.state
        rows.append((name, STEPS[name].title, state, *figures))
    return Table(SUMMARY, rows, left=len(SUMMARY), aligned=True).lines


def rows_table(outcome: Outcome) -> Markdown:
    """Return the rows of a step; columns are the names of their values, in order of appearance."""
    names = dict.fromkeys(name for row in outcome.rows for name in row if name not in SENTENCES)
    rows = [[_cell(row.get(name)) for name in names] for row in outcome.rows]
    header = [name.replace("_", " ") for name in names]
    return Table(header, rows, left=len(header), aligned=True).lines


def _cell(value: Any) -> str:
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
