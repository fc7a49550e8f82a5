"""The lines of the tables of trust: what is scored, and the films on which its thresholds are fixed."""

from collections.abc import Sequence
from typing import NamedTuple

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board
from pneumo_tf.report.cross_validation import cross_validations


class Judged(NamedTuple):
    """A model, or several of a kind, whose probabilities and calls are put to the test.

    Args:
        name: As tables show it.
        test: Test predictions, one set per model.
        tuning: For each set of `test`, the predictions that thresholds and temperatures are fixed on.
        out_of_fold: Whether those are of all films of the train folder, each held out by its model.
    """

    name: str
    test: tuple[LabelledPredictions, ...]
    tuning: tuple[LabelledPredictions, ...]
    out_of_fold: bool


def judged(board: Board) -> list[Judged]:
    """The ranked rows, then the rows whose folds are all done: one model, and the ensemble."""
    lines = [Judged(row.name, row.test, row.validation, False) for row in board.ranking]
    for row in cross_validations(board):
        if row.complete:
            own = tuple(films for films in row.out_of_fold for _ in range(row.folds))
            lines.append(Judged(f"{row.row.name}, one of five folds", row.models, own, True))
            name = f"{row.row.name}, ensemble of five folds"
            lines.append(Judged(name, row.ensembles, row.out_of_fold, True))
    return lines


def where_fixed(lines: Sequence[Judged]) -> str:
    """Says on which films the thresholds and temperatures of these lines are fixed."""
    kinds = {line.out_of_fold for line in lines}
    pooled = "on all films of the train folder, each scored by the model that held it out"
    if False in kinds:
        pooled = f"on the validation films of each run{f'; for five folds, {pooled}' * (True in kinds)}"
    return pooled
