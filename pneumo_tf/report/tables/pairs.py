"""The table of pairs: rows shown to differ from a row, shown to be equivalent to it, and undecided."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.comparison import SIGNIFICANCE
from pneumo_tf.evaluation.equivalence import equivalence_p
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table

LEAD = (
    "Pairs of ranked rows by AUC; numbers are ranks. Different: as in the ranking. Equivalent: shown to "
    "differ by less than the smallest difference that matters, by two one-sided tests (Schuirmann 1987), "
    "p < 0.05 after Holm's correction over all pairs. A row in both columns differs, but by less than "
    "matters. Undecided: neither was shown."
)


def pairs_table(board: Board) -> Table:
    """Return a table with a line for each ranked row; empty for a single row."""
    header = ("Recipe", "Different from", f"Equivalent to, within {board.margin:g}", "Undecided")
    if len(board.ranking) < 2:
        return Table(header, [])
    different = board.comparison.significant
    equivalent = equivalence_p(board.comparison, board.margin) < SIGNIFICANCE
    others = ~np.eye(len(different), dtype=bool)
    columns = (different & others, equivalent & others, ~different & ~equivalent & others)
    lines = [
        (f"{place + 1}. {row.name}", *(list_ranks(np.flatnonzero(column[place]) + 1) for column in columns))
        for place, row in enumerate(board.ranking)
    ]
    return Table(header, lines, left=4)


def list_ranks(ranks: Sequence[int]) -> str:
    """Return ascending ranks as text, with neighbours as a range: `1–3, 7`."""
    runs: list[list[int]] = []
    for rank in ranks:
        if runs and rank == runs[-1][-1] + 1:
            runs[-1].append(rank)
        else:
            runs.append([rank])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
