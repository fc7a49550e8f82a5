"""The table of cross-validation: held-out films, models of the folds, and their ensemble."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.auc_comparison import compare_with_members
from pneumo_tf.evaluation.comparison import Comparison, holm
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.board import Board
from pneumo_tf.report.cross_validation import MEASURED, CrossValidation, cross_validations
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.report.number_format import (
    DASH,
    decimals_of,
    difference_with_interval,
    format_p,
    supported_decimals,
    with_interval,
    with_sd,
)

LEAD = Markdown(
    "Protocol `cv5`, never ranked. Out-of-fold: every film of the {train}, scored once, by the one "
    "model that was {unseen}. One model: the test films, mean ± standard "
    "deviation over the models of the folds. Ensemble: the same films, the scores (logit differences) of the "
    "five models averaged."
)
NOTES = (
    "[95 %]: as in the ranking; out-of-fold over the {unit}s of the {train}, with what the folds differ by "
    "beyond chance in their films.",
    "Two models share three quarters of their films, so they differ less than models of several seeds.",
    "Ensemble − one model: {paired} (Obuchowski 1997), p after Holm's correction over this table. Both are "
    "made of the same models, so their spread adds no chance; several seeds add that of the difference.",
)
UNFINISHED = f"{DASH} no seed has all of its folds done: nothing is pooled or averaged."

SHOWS = {"out_of_fold": with_interval, "one_model": with_sd, "ensemble": with_interval}


def cross_validation_table(board: Board) -> Table:
    """Return a table with three lines for each row of folds."""
    rows = cross_validations(board)
    gains = _gains(rows)
    known = [estimates for row in rows for estimates in row.estimates.values()]
    decimals = {name: decimals_of([estimates[name] for estimates in known], name) for name in MEASURED}
    lines = []
    for row, gain in zip(rows, gains, strict=True):
        films = f"{len(row.out_of_fold[0]):,} films" if row.complete else "unfinished"
        labels = {
            "out_of_fold": (f"**{row.row.name}**", f"out-of-fold, {films}", ""),
            "one_model": (row.state, "test, one model", ""),
            "ensemble": ("", "test, ensemble", gain),
        }
        for kind, (name, scored, difference) in labels.items():
            found = row.estimates.get(kind)
            cells = (SHOWS[kind](found[metric], decimals[metric]) if found else DASH for metric in MEASURED)
            lines.append((name, scored, *cells, difference))
    titles = (METRICS[name].title for name in MEASURED)
    header = ("Recipe", "Scored", *titles, "AUC, ensemble − one model [95 %], p")
    notes = NOTES if all(row.complete for row in rows) else (*NOTES, UNFINISHED)
    return Table(header, lines, [board.wording.write(note) for note in notes], left=2)


def _gains(rows: Sequence[CrossValidation]) -> list[str]:
    """Return the AUC of each row's ensemble minus that of one model; a dash without an ensemble."""
    pairs = [compare_with_members(row.ensembles, row.members) if row.complete else None for row in rows]
    adjusted = holm(np.array([pair.p[0, 1] if pair else np.nan for pair in pairs]))
    return [_gain(pair, p) if pair else DASH for pair, p in zip(pairs, adjusted, strict=True)]


def _gain(pair: Comparison, p: float) -> str:
    low, high = pair.interval(0, 1)
    decimals = supported_decimals([(high - low) / 2], METRICS["auc"].digits)
    difference = difference_with_interval(pair.difference[0, 1], (low, high), decimals)
    return difference if difference == DASH else f"{difference}, {format_p(p)}"
