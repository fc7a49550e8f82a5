"""Models together with the films on which their thresholds and temperatures are chosen."""

from typing import NamedTuple

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board
from pneumo_tf.report.cross_validation import cross_validations

TUNED_ON = (
    "on the validation films of each run; for five folds, on all films of the {train}, each scored by "
    "the model that held it out"
)
"""Description of the films in `TunedModels.tuning`, with the names of `Wording` in braces."""


class TunedModels(NamedTuple):
    """Models of one kind, with the films on which their thresholds and temperatures are chosen.

    Args:
        name: Name in tables.
        test: Test predictions, one set per model.
        tuning: Predictions on which thresholds and temperatures are chosen, one set per set of `test`.
    """

    name: str
    test: tuple[LabelledPredictions, ...]
    tuning: tuple[LabelledPredictions, ...]


def tuned_models(board: Board) -> list[TunedModels]:
    """Return the ranked rows, then single models and ensembles of rows with complete folds."""
    found = [TunedModels(row.name, row.test, row.validation) for row in board.ranking]
    for folds in cross_validations(board):
        if folds.complete:
            own = tuple(films for films in folds.out_of_fold for _ in range(folds.folds))
            found.append(TunedModels(f"{folds.row.name}, one of five folds", folds.models, own))
            name = f"{folds.row.name}, ensemble of five folds"
            found.append(TunedModels(name, folds.ensembles, folds.out_of_fold))
    return found
