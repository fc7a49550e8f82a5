"""The table of the ranking; a new column is one entry in `COLUMNS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.letters import abbreviate_letters
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.evaluation.resampling import REPLICATES
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.report.number_format import (
    DASH,
    ROUNDING,
    decimals_of,
    format_number,
    format_signed,
    with_interval,
)
from pneumo_tf.report.standings import MARKS, Standing, rank_rows
from pneumo_tf.report.tables.metric_columns import explain_dashes, metric_cells

EMPTY = Markdown("No run is done yet. `python -m benchmarks.run_all --profile quick` makes the first ones.")
UNRANKED = Markdown("No run under the protocol `official` is done, and no other protocol ranks.")

LETTERS = (
    "Ranked by AUC on the test films. Rows that share a letter were not shown to differ, which does not show "
    "that they are equal; rows without a common letter differ significantly (Piepho 2004)."
)
RANKS = (
    "In brackets: from one more than the number of rows shown to be better, to the last rank less those "
    "shown to be worse; with a probability of at least 95 %, all of these intervals contain the true ranks "
    "(Al Mohamad et al. 2022)."
)
LETTER_RANGE = "A range of letters, as in a–d, stands for all of them."
TOO_MANY_LETTERS = f"{DASH} ahead of the bracket: letters of these rows would be more than a–z and A–Z."
SIGNIFICANT = (
    "Significant: {paired} (Obuchowski 1997), with the variance between seeds "
    "(Obuchowski & Rockette 1995), p < 0.05 after Holm's correction over all pairs of this board; a row of "
    "one seed is about that one model."
)
INTERVALS = (
    f"[95 %]: score interval with the variance over {REPLICATES:,} replicates, which resample {{unit}}s "
    "within each class; several seeds add their own, with a quantile of t; for a row of one seed, the "
    "interval covers chance in the films alone."
)
THRESHOLD = "Accuracy, sensitivity, specificity and F1 at a probability of 0.5, neither calibrated nor tuned."
GAP = "Validation − test AUC: how much higher the AUC is on validation films."


@dataclass(frozen=True)
class Column:
    """A column of the ranking.

    Args:
        title: Heading of the column.
        cells: Function that returns the cells of the ranked rows, in order.
        legend: How to read the column, as lines, with the names of `Wording` in braces; a line of several
            columns is shown once.
        export: Value of a row in CSV and JSON, with its standing if it is ranked. None if the column is not
            exported, or is exported as a metric.
    """

    title: str
    cells: Callable[[Sequence[Standing]], list[str]]
    legend: tuple[str, ...] = ()
    export: Callable[[Row, Standing | None], Any] | None = None


def ranking_table(board: Board) -> Table:
    """Return a table with a line for each ranked row, and a legend of its columns and marks."""
    ranked = rank_rows(board)
    columns = [column.cells(ranked) for column in COLUMNS.values()]
    rows = [standing.row for standing in ranked]
    legend = dict.fromkeys(board.wording.write(line) for column in COLUMNS.values() for line in column.legend)
    shown = [mark for mark in MARKS if any(mark in one.marks for one in ranked)]
    marks = [f"{mark} {board.wording.write(MARKS[mark].meaning)}" for mark in shown]
    notes = explain_dashes(rows, [name for name in COLUMNS if name in METRICS])
    if any("–" in abbreviate_letters(one.letters or "") for one in ranked):
        notes.append(LETTER_RANGE)
    if any(one.ranks and not one.letters for one in ranked):
        notes.append(TOO_MANY_LETTERS)
    return Table(
        [column.title for column in COLUMNS.values()],
        list(zip(*columns, strict=True)),
        notes,
        legend=[*legend, ROUNDING, *marks],
        empty=UNRANKED if any(row.runs for row in board.rows) else EMPTY,
    )


def _each(cell: Callable[[Standing], str]) -> Callable[[Sequence[Standing]], list[str]]:
    return lambda ranked: [cell(standing) for standing in ranked]


def _metric(name: str, show: Callable[[Estimate, int], str], *legend: str) -> Column:
    title = f"{METRICS[name].title} [95 %]" if show is with_interval else METRICS[name].title
    return Column(title, lambda ranked: metric_cells([one.row for one in ranked], name, show), legend)


def _value(estimate: Estimate, decimals: int) -> str:
    return format_number(estimate.value, decimals)


def _recipe(standing: Standing) -> str:
    row = standing.row
    name = f"*{row.name}* (trivial)" if row.trivial else f"**{row.name}**"
    return f"{standing.rank}. {name} {standing.marks}".rstrip()


def _letters(standing: Standing) -> str:
    if standing.ranks is None:
        return DASH
    letters = abbreviate_letters(standing.letters) if standing.letters else DASH
    low, high = standing.ranks
    return f"{letters} ({low})" if low == high else f"{letters} ({low}–{high})"


def _gaps(ranked: Sequence[Standing]) -> list[str]:
    decimals = decimals_of([standing.row.estimates["auc"] for standing in ranked], "auc")
    return [format_signed(standing.gap, decimals) for standing in ranked]


COLUMNS: dict[str, Column] = {
    "recipe": Column("Recipe", _each(_recipe), export=lambda row, standing: row.name),
    "letters": Column(
        "Letters",
        _each(_letters),
        (LETTERS, SIGNIFICANT, RANKS),
        export=lambda row, standing: standing.letters if standing else None,
    ),
    "auc": _metric("auc", with_interval, INTERVALS),
    "accuracy": _metric("accuracy", with_interval, INTERVALS, THRESHOLD),
    "sensitivity": _metric("sensitivity", _value, THRESHOLD),
    "specificity": _metric("specificity", _value, THRESHOLD),
    "f1": _metric("f1", _value, THRESHOLD),
    "runs": Column(
        "Seeds",
        _each(lambda standing: str(len(standing.row.runs))),
        export=lambda row, standing: len(row.runs),
    ),
    "gap": Column("Validation − test AUC", _gaps, (GAP,)),
    "initial": Column(
        "Initial weights",
        _each(lambda standing: standing.row.initial),
        export=lambda row, standing: row.initial,
    ),
}
"""Columns from left to right, by their key in CSV and JSON."""
