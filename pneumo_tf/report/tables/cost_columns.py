"""Columns of costs: means over the runs of a row, as durations, shares, sizes and plain numbers."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pneumo_tf.report.board import Row
from pneumo_tf.report.markdown import Table, join_names
from pneumo_tf.report.number_format import DASH, format_number

Cost = dict[str, Any]
"""`costs.json` of a run."""


class Column(NamedTuple):
    """A column of a table of costs.

    Args:
        title: Heading of the column.
        cell: Function from a row to the text of its cell, `DASH` if its runs did not measure it.
    """

    title: str
    cell: Callable[[Row], str]


def costs_table(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    """Return a table with a line for each row; empty columns are named below instead."""
    cells = {column.title: [column.cell(row) for row in rows] for column in columns}
    empty = [title for title, column in cells.items() if set(column) == {DASH}]
    shown = [title for title in cells if title not in empty]
    lines = [(row.name, *(cells[title][index] for title in shown)) for index, row in enumerate(rows)]
    notes = [f"{DASH} not measured in the runs of that row."] if any(DASH in line for line in lines) else []
    if empty:
        notes.append(f"Columns left out, measured in no run of this board: {join_names(empty)}.")
    return Table(("Recipe", *shown), lines if shown else [], notes)


def mean_cost(row: Row, read: Callable[[Cost], float | None]) -> float | None:
    """Return the mean of a cost over the runs of a row that measured it, None if none did."""
    values = [value for value in map(read, row.costs) if value is not None]
    return float(np.mean(values)) if values else None


def figure(name: str, decimals: int, unit: float = 1.0) -> Callable[[Row], str]:
    """Return a function that formats a value of `costs.json`, divided by `unit`."""

    def read(cost: Cost) -> float | None:
        return None if cost.get(name) is None else cost[name] / unit

    return lambda row: format_number(mean_cost(row, read), decimals)


def duration(read: Callable[[Cost], float | None]) -> Callable[[Row], str]:
    """Return a function that formats seconds as `3.0 s`, `12 s`, `5 min` or `2.0 h`."""

    def cell(row: Row) -> str:
        seconds = mean_cost(row, read)
        if seconds is None:
            return DASH
        if seconds < 100:
            return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
        return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"

    return cell


def percent(read: Callable[[Cost], float | None]) -> Callable[[Row], str]:
    """Return a function that formats a share, in 0–1, as a percentage."""

    def cell(row: Row) -> str:
        share = mean_cost(row, read)
        return DASH if share is None else f"{format_number(100 * share, 1 if share < 0.1 else 0)} %"

    return cell


def largest_gigabytes(name: str) -> Callable[[Row], str]:
    """Return a function that formats the largest value in MB over the runs of a row."""

    def cell(row: Row) -> str:
        values = [cost[name] for cost in row.costs if cost.get(name) is not None]
        return f"{max(values) / 1000:.1f} GB" if values else DASH

    return cell
