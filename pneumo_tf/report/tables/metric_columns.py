"""Columns of metrics, and the notes that explain their dashes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import LEAST_PATIENTS, Estimate
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.board import Row
from pneumo_tf.report.markdown import Table, join_names
from pneumo_tf.report.number_format import DASH, EXTRA, decimals_of, with_sd

SPREAD = f"Mean ± standard deviation over seeds; a row of one seed has no deviation. {EXTRA}"
"""Caption of `metrics_table`."""

FEW = f"a class has fewer than {LEAST_PATIENTS} patients"
"""Reason for a value without an interval."""


def metric_cells(rows: Sequence[Row], metric: str, show: Callable[[Estimate, int], str]) -> list[str]:
    """Return the cells of one metric, all with the decimals that the column's intervals support."""
    estimates = [row.estimates[metric] for row in rows]
    decimals = decimals_of(estimates, metric)
    return [show(estimate, decimals) for estimate in estimates]


def metrics_table(rows: Sequence[Row], titles: Mapping[str, str]) -> Table:
    """Return a table of means ± standard deviations over seeds.

    Args:
        rows: Rows, one line each.
        titles: Keys of `METRICS` with the titles of their columns.
    """
    columns = [metric_cells(rows, name, with_sd) for name in titles]
    lines = [(row.name, *cells) for row, *cells in zip(rows, *columns, strict=True)]
    return Table(["Recipe", *titles.values()], lines, explain_dashes(rows, list(titles)))


def explain_dashes(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """Return the reasons for dashes in the columns of `metrics`, one line for each metric with a dash."""
    notes = []
    for name in metrics:
        title, reason = METRICS[name].title, METRICS[name].undefined
        estimates = {row.name: row.estimates[name] for row in rows}
        without = [row for row, estimate in estimates.items() if not np.isfinite(estimate.value)]
        if without:
            notes.append(f"{DASH} {title} of {join_names(without)}: {reason}.")
        notes += _explain_open_ends(title, reason, estimates)
    return notes


def _explain_open_ends(title: str, reason: str, estimates: Mapping[str, Estimate]) -> list[str]:
    """Return why values of a column have no interval, by name of the row: a line for each reason."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row, estimate in estimates.items():
        if np.isfinite(estimate.value) and not np.isfinite(estimate.half_width):
            few = estimate.patients is not None and estimate.patients < LEAST_PATIENTS
            why = FEW if few else f"{reason} in more than 5 % of the replicates"
            rows[why].append(row)
    return [
        f"[{DASH}] {title} of {join_names(names)}: no interval, because {why}." for why, names in rows.items()
    ]
