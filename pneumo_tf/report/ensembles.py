"""Scores of the same films that can be averaged: over seeds, folds, augmented views, draws of dropout."""

from collections.abc import Iterator
from typing import NamedTuple

from pneumo_tf.data.augmented_views import KINDS
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.cross_validation import cross_validations


class Averaged(NamedTuple):
    """Test scores of a recipe, in groups whose mean and spread are asked what they are worth.

    Args:
        name: Of the row.
        kind: `"seed"`, `"fold"` or a key of `KINDS`.
        over: How many of what each group holds, in words.
        single: The plain scores of the models that the groups are of.
        groups: For each model, or seed of folds, the scores that are averaged.
        row: The row.
    """

    name: str
    kind: str
    over: str
    single: tuple[LabelledPredictions, ...]
    groups: tuple[tuple[LabelledPredictions, ...], ...]
    row: Row


def averaged(board: Board) -> list[Averaged]:
    """Every way to several scores of a film that the ranked rows and the rows of folds have."""
    found = []
    for row in board.ranking:
        found.append(Averaged(row.name, "seed", _counted(len(row.test), "seed"), row.test, (row.test,), row))
        found += _drawn(row, row.name)
    for folds in cross_validations(board):
        name = f"{folds.row.name}, {folds.folds} folds"
        if folds.complete:
            groups = tuple(
                tuple(folds.row.test[place] for place in folds.done[seed]) for seed in folds.complete
            )
            over = f"{folds.folds} folds: the ensemble"
            found.append(Averaged(name, "fold", over, folds.models, groups, folds.row))
        found += _drawn(folds.row, name)
    return found


def _drawn(row: Row, name: str) -> Iterator[Averaged]:
    for kind, about in KINDS.items():
        drawn = row.test_under(kind)
        if drawn:
            over = _counted(len(next(iter(drawn.values()))), about.title)
            lacking = len(row.runs) - len(drawn)
            over += f" (not scored in {_counted(lacking, 'run')})" if lacking else ""
            single = tuple(row.test[place] for place in drawn)
            yield Averaged(name, kind, over, single, tuple(drawn.values()), row)


def _counted(number: int, title: str) -> str:
    first, *rest = title.split(" of ")
    plural = " of ".join([first + "s" * (number != 1), *rest])
    return f"{number} {plural}"
