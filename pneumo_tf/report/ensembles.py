"""Ensembles: groups of scores of the same films, by seed, fold, augmented view or dropout sample."""

from collections.abc import Iterator
from typing import NamedTuple

from pneumo_tf.data.scoring_variants import VARIANT_KINDS
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.cross_validation import cross_validations


class Ensemble(NamedTuple):
    """Groups of test scores of one recipe; each group is averaged film by film.

    Args:
        name: Name of the row, with its folds if it has some.
        kind: `"seed"`, `"fold"` or a key of `VARIANT_KINDS`.
        members: Number and kind of the members of a group, as text.
        single: Scores of the single models, one set per model.
        groups: For each model, or for each seed of folds, the scores that are averaged.
        row: The row.
    """

    name: str
    kind: str
    members: str
    single: tuple[LabelledPredictions, ...]
    groups: tuple[tuple[LabelledPredictions, ...], ...]
    row: Row


def ensembles(board: Board) -> list[Ensemble]:
    """Return every ensemble of the ranked rows and of the rows of folds; a single score is a group of one."""
    found = []
    for row in board.ranking:
        seeds = _counted(len(row.test), "seed", "seeds")
        found.append(Ensemble(row.name, "seed", seeds, row.test, (row.test,), row))
        found += _of_variants(row, row.name)
    for folds in cross_validations(board):
        name = f"{folds.row.name}, {folds.folds} folds"
        if folds.complete:
            groups = tuple(
                tuple(folds.row.test[place] for place in folds.done[seed]) for seed in folds.complete
            )
            members = f"{folds.folds} folds: the ensemble"
            found.append(Ensemble(name, "fold", members, folds.models, groups, folds.row))
        found += _of_variants(folds.row, name)
    return found


def _of_variants(row: Row, name: str) -> Iterator[Ensemble]:
    for kind, about in VARIANT_KINDS.items():
        groups = row.test_under(kind)
        if groups:
            members = _counted(len(next(iter(groups.values()))), about.title, about.plural)
            lacking = len(row.runs) - len(groups)
            if lacking:
                members += f" (not scored in {_counted(lacking, 'run', 'runs')})"
            single = tuple(row.test[place] for place in groups)
            yield Ensemble(name, kind, members, single, tuple(groups.values()), row)


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
