"""The tables of ranked rows: the ranking, every metric, each class and the counts."""

from collections.abc import Callable, Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.metrics import METRICS, count_outcomes
from pneumo_tf.report.board import Row
from pneumo_tf.report.markdown import Table, join_names
from pneumo_tf.report.number_format import (
    DASH,
    decimals_of,
    format_number,
    format_signed,
    with_interval,
    with_sd,
)
from pneumo_tf.report.standings import Standing

RANKING = ("auc", "accuracy", "sensitivity", "specificity", "f1")
CLASSWISE = {
    "specificity": "Normal: recall (specificity)",
    "npv": "Normal: precision (NPV)",
    "f1_normal": "Normal: F1",
    "sensitivity": "Pneumonia: recall (sensitivity)",
    "sensitivity_bacteria": "of it bacterial",
    "sensitivity_virus": "of it viral",
    "ppv": "Pneumonia: precision (PPV)",
    "f1": "Pneumonia: F1",
}


def ranking(ranked: Sequence[Standing]) -> Table:
    """The main table: by AUC, with intervals where they matter most."""
    rows = [standing.row for standing in ranked]
    styles = {"auc": with_interval, "accuracy": with_interval}
    columns = {name: column(rows, name, styles.get(name, _value)) for name in RANKING}
    decimals = decimals_of([row.estimates["auc"] for row in rows], "auc")
    cells = [
        (
            _title(standing),
            _tier(standing),
            *(columns[name][index] for name in RANKING),
            str(len(standing.row.runs)),
            format_signed(standing.gap, decimals),
            standing.row.initial,
        )
        for index, standing in enumerate(ranked)
    ]
    titles = [METRICS[name].title + (" [95 %]" if name in styles else "") for name in RANKING]
    header = ["Recipe", "Tier (ranks)", *titles, "Seeds", "Validation − test AUC", "Initial weights"]
    return Table(header, cells, undefined(rows, RANKING))


def every_metric(ranked: Sequence[Standing]) -> Table:
    """Mean ± standard deviation over seeds of the metrics that the class-wise table does not show."""
    names = [name for name in METRICS if name not in CLASSWISE]
    titles = [METRICS[name].title + (" ↓" if METRICS[name].better == "lower" else "") for name in names]
    return _of_metrics(ranked, names, titles)


def class_wise(ranked: Sequence[Standing]) -> Table:
    """Mean ± standard deviation over seeds of each class' recall, precision and F1."""
    return _of_metrics(ranked, list(CLASSWISE), list(CLASSWISE.values()))


def counts(ranked: Sequence[Standing]) -> Table:
    """Films by class and call, means over seeds."""
    header = ("Recipe", "TN", "FP (false alarms)", "FN (missed)", "TP", "Normal films", "Pneumonia films")
    cells = []
    for standing in ranked:
        each = [count_outcomes(scored.labels, scored.score) for scored in standing.row.test]
        tn, fp, fn, tp = np.mean(each, axis=0)
        decimals = 1 if len(each) > 1 else 0
        called = (format_number(count, decimals) for count in (tn, fp, fn, tp))
        cells.append((standing.row.name, *called, format_number(tn + fp, 0), format_number(fn + tp, 0)))
    return Table(header, cells)


def column(rows: Sequence[Row], metric: str, show: Callable[[Estimate, int], str]) -> list[str]:
    """Cells of one metric, all with the decimals that the column's intervals support."""
    estimates = [row.estimates[metric] for row in rows]
    decimals = decimals_of(estimates, metric)
    return [show(estimate, decimals) for estimate in estimates]


def undefined(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """Says of every dash in the columns of `metrics` why it is there."""
    notes = []
    for name in metrics:
        estimates = {row.name: row.estimates[name] for row in rows}
        without = [row for row, estimate in estimates.items() if not np.isfinite(estimate.value)]
        if without:
            notes.append(f"{DASH} {METRICS[name].title} of {join_names(without)}: {METRICS[name].undefined}.")
        open_ended = [
            row for row, e in estimates.items() if np.isfinite(e.value) and not np.isfinite(e.half_width)
        ]
        if open_ended:
            notes.append(
                f"[{DASH}] {METRICS[name].title} of {join_names(open_ended)}: no interval, because "
                f"{METRICS[name].undefined} in more than 5 % of the draws."
            )
    return notes


def _of_metrics(ranked: Sequence[Standing], names: Sequence[str], titles: Sequence[str]) -> Table:
    rows = [standing.row for standing in ranked]
    columns = [column(rows, name, with_sd) for name in names]
    cells = [(row.name, *(cells[index] for cells in columns)) for index, row in enumerate(rows)]
    return Table(["Recipe", *titles], cells, undefined(rows, names))


def _title(standing: Standing) -> str:
    row = standing.row
    name = f"*{row.name}* (trivial)" if row.trivial else f"**{row.name}**"
    return f"{standing.rank}. {name}{' ' + standing.marks if standing.marks else ''}"


def _tier(standing: Standing) -> str:
    if standing.tier is None or standing.ranks is None:
        return DASH
    low, high = standing.ranks
    return f"{standing.tier} ({low})" if low == high else f"{standing.tier} ({low}–{high})"


def _value(estimate: Estimate, decimals: int) -> str:
    return format_number(estimate.value, decimals)
