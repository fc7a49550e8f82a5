"""What a protocol is worth: each published figure, the same recipe under the same protocol, and honestly."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.metrics import METRICS, from_confusion
from pneumo_tf.recipe import Published
from pneumo_tf.report.markdown import DASH, Table, number, signed, with_interval
from pneumo_tf.report.rows import OFFICIAL, Board, Row

SHOWN = ("accuracy", "specificity", "auc")
DECIMALS = 3

LEAD = (
    "For each published figure that these runs reproduce: as it was printed, ours under the protocol it was "
    "computed with, and ours under `official`, where nothing is chosen on the test films. "
    "The first two never rank."
)


def protocol_matters(board: Board) -> Table:
    """Sets published figures beside ours, under their protocol and under the honest one.

    Args:
        board: Its rows under published protocols decide which figures are shown.

    Returns:
        One line per recipe, figure and metric; empty where no run reproduces a published figure.
    """
    rows = {(row.recipe.name, row.protocol): row for row in board.rows if row.runs}
    lines = []
    for name, protocol in rows:
        honest = rows.get((name, OFFICIAL))
        for figure in rows[name, protocol].recipe.published:
            if figure.protocol == protocol != OFFICIAL:
                lines += _lines(figure, rows[name, protocol], honest)
    notes = [
        "[95 %]: as in the ranking. *italic*: computed here from a printed confusion matrix.",
        "Drift: ours under the authors' protocol minus ours under `official`, of the same recipe.",
    ]
    header = ["Recipe", "Protocol", "Metric", "As printed", "Ours, same protocol", "Ours, official", "Drift"]
    return Table(header, _sorted(lines), notes, left=3)


def _lines(figure: Published, theirs: Row, honest: Row | None) -> list[tuple[str, ...]]:
    derived = from_confusion(figure.confusion) if figure.confusion else {}
    lines = []
    for metric in SHOWN:
        printed, computed = figure.metrics.get(metric), derived.get(metric, np.nan)
        if printed is None and not np.isfinite(computed):
            continue
        same = theirs.estimates[metric]
        official = honest.estimates[metric] if honest else None
        lines.append(
            (
                f"**{theirs.recipe.name}**",
                figure.protocol,
                METRICS[metric].title,
                number(printed, DECIMALS) if printed is not None else f"*{number(computed, DECIMALS)}*",
                with_interval(same, DECIMALS),
                with_interval(official, DECIMALS) if official else DASH,
                signed(same.value - official.value, DECIMALS) if official else DASH,
            )
        )
    return lines


def _sorted(lines: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """By recipe and protocol, a figure that was printed twice shown once."""
    return sorted(dict.fromkeys(lines), key=lambda line: line[:2])
