"""The table of protocols: printed figures, compared with ours under the authors' protocol and `official`."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.metrics import METRICS, metrics_from_counts
from pneumo_tf.recipe import Published
from pneumo_tf.report.board import OFFICIAL, Board, Row
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.report.number_format import DASH, format_number, format_signed, with_interval

SHOWN = ("accuracy", "specificity", "auc")
DECIMALS = 3

LEAD = Markdown(
    "For each recipe that was also run under its authors' protocol: their figures, ours under that protocol, "
    "and ours under `official`, which chooses nothing on the test films. The first two never rank."
)


def protocols_table(board: Board) -> Table:
    """Return a table of published figures, and of ours under the same protocol and under `official`.

    Args:
        board: Board whose rows under published protocols are shown, with or without printed figures.

    Returns:
        Table with a line per recipe, protocol and metric; empty if no run reproduces a published protocol.
    """
    honest = {_apart_from_protocol(row): row for row in board.rows if row.ranked}
    reproducing = [row for row in board.rows if row.runs and row.reproduces]
    lines = []
    for theirs in sorted(reproducing, key=lambda row: (row.name, row.protocol)):
        figures = [figure for figure in theirs.recipe.published if figure.protocol == theirs.protocol]
        lines += _lines(figures, theirs, honest.get(_apart_from_protocol(theirs)))
    notes = [
        f"{DASH} in the fourth column: no figure was printed.",
        "[95 %]: as in the ranking. *italic*: computed here from a printed confusion matrix. Two values: the "
        "authors printed two that differ.",
        Markdown(
            "Difference: ours under the authors' protocol minus ours under `official`, with equal training."
        ),
    ]
    header = [
        "Recipe",
        "Protocol",
        "Metric",
        "As printed",
        "Ours, same protocol",
        "Ours, official",
        "Difference",
    ]
    return Table(header, lines, notes, left=3)


def _apart_from_protocol(row: Row) -> str:
    """Return a key that rows share if only the protocol differs: the first run's id under `official`."""
    return dataclasses.replace(row.specs[0], protocol=OFFICIAL, seed=0, fold=None).id


def _lines(figures: Sequence[Published], theirs: Row, honest: Row | None) -> list[tuple[str, ...]]:
    lines = []
    for metric in SHOWN:
        same = theirs.estimates[metric]
        official = honest.estimates[metric] if honest else None
        lines.append(
            (
                f"**{theirs.name}**",
                theirs.protocol,
                METRICS[metric].title,
                _printed(figures, metric) or DASH,
                with_interval(same, DECIMALS),
                with_interval(official, DECIMALS) if official else DASH,
                format_signed(same.value - official.value, DECIMALS) if official else DASH,
            )
        )
    return lines


def _printed(figures: Sequence[Published], metric: str) -> str:
    """Return the printed values of a metric without repetition; those derived from printed counts in
    italics.
    """
    values: dict[str, str] = {}
    for figure in figures:
        derived = metrics_from_counts(figure.confusion) if figure.confusion else {}
        stated, computed = figure.metrics.get(metric), derived.get(metric, np.nan)
        if stated is not None:
            values[format_number(stated, DECIMALS)] = format_number(stated, DECIMALS)
        elif np.isfinite(computed):
            values.setdefault(format_number(computed, DECIMALS), f"*{format_number(computed, DECIMALS)}*")
    return ", ".join(values.values())
