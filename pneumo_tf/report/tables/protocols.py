"""What a protocol is worth: what authors printed, the same recipe under their protocol, and honestly."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.metrics import METRICS, metrics_from_counts
from pneumo_tf.recipe import Published
from pneumo_tf.report.board import OFFICIAL, Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number, format_signed, with_interval

SHOWN = ("accuracy", "specificity", "auc")
DECIMALS = 3

LEAD = (
    "For each recipe that was run the way its authors did: what they printed, ours under the protocol they "
    "used, and ours under `official`, where nothing is chosen on the test films. The first two never rank."
)


def protocol_matters(board: Board) -> Table:
    """Sets published figures beside ours, under their protocol and under the honest one.

    Args:
        board: Its rows under published protocols are shown, printed figures or not.

    Returns:
        One line per recipe, protocol and metric; empty where no run reproduces a published protocol.
    """
    honest = {_apart_from_protocol(row): row for row in board.rows if row.ranked}
    reproducing = [row for row in board.rows if row.runs and row.reproduces]
    lines = []
    for theirs in sorted(reproducing, key=lambda row: (row.name, row.protocol)):
        figures = [figure for figure in theirs.recipe.published if figure.protocol == theirs.protocol]
        lines += _lines(figures, theirs, honest.get(_apart_from_protocol(theirs)))
    notes = [
        f"{DASH} in the fourth column: printed in words or not at all.",
        "[95 %]: as in the ranking. *italic*: computed here from a printed confusion matrix. Two values: the "
        "authors printed the figure twice, and not the same.",
        "Drift: ours under the authors' protocol minus ours under `official`, trained alike.",
    ]
    header = ["Recipe", "Protocol", "Metric", "As printed", "Ours, same protocol", "Ours, official", "Drift"]
    return Table(header, lines, notes, left=3)


def _apart_from_protocol(row: Row) -> str:
    """What rows share that were trained alike, whatever films they were trained on and judged by."""
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
    """What authors printed of a metric, each value once; in italics what their counts alone say."""
    values: dict[str, str] = {}
    for figure in figures:
        derived = metrics_from_counts(figure.confusion) if figure.confusion else {}
        stated, computed = figure.metrics.get(metric), derived.get(metric, np.nan)
        if stated is not None:
            values[format_number(stated, DECIMALS)] = format_number(stated, DECIMALS)
        elif np.isfinite(computed):
            values.setdefault(format_number(computed, DECIMALS), f"*{format_number(computed, DECIMALS)}*")
    return ", ".join(values.values())
