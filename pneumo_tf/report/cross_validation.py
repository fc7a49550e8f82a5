"""Cross-validation: pooling and averaging of the folds of each seed that has all of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.ensemble import average_scores, pool_folds
from pneumo_tf.evaluation.fold_training import training_of_folds
from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions, check_complete
from pneumo_tf.report.board import Board, Row

MEASURED = ("auc", "accuracy", "sensitivity", "specificity")


@dataclass(frozen=True)
class CrossValidation:
    """A row under a protocol with folds.

    Args:
        row: The row; at least one of its runs is done.
        done: Indices in `row.runs` of the finished folds, by seed.
    """

    row: Row
    done: dict[int, tuple[int, ...]]

    @property
    def folds(self) -> int:
        """Number of folds of a complete seed."""
        return PROTOCOLS[self.row.protocol].folds

    @property
    def complete(self) -> tuple[int, ...]:
        """Seeds with all folds done; only these are pooled and averaged."""
        return tuple(seed for seed, places in self.done.items() if len(places) == self.folds)

    @cached_property
    def models(self) -> tuple[LabelledPredictions, ...]:
        """Test predictions of each model, by seed, of the complete seeds, or of all if none is complete."""
        seeds = self.complete or tuple(self.done)
        return tuple(self.row.test[place] for seed in seeds for place in self.done[seed])

    @cached_property
    def ensembles(self) -> tuple[LabelledPredictions, ...]:
        """Test predictions of each complete seed, with the mean score of its models."""
        return tuple(map(average_scores, self.members))

    @cached_property
    def members(self) -> tuple[tuple[LabelledPredictions, ...], ...]:
        """Test predictions of the models of each complete seed."""
        return tuple(tuple(self.row.test[place] for place in self.done[seed]) for seed in self.complete)

    @cached_property
    def out_of_fold(self) -> tuple[LabelledPredictions, ...]:
        """Predictions of all training films of the source for each complete seed, each film by one model.

        Raises:
            UserError: If the folds together do not cover every training film of the source.
        """
        source = tuple(sorted(film.id for film in self.row.films if film.split == "train"))
        pooled = []
        for seed in self.complete:
            try:
                together = pool_folds([self.row.held_out[place] for place in self.done[seed]])
                check_complete(together.ids, source)
            except (UserError, ValueError) as error:
                raise UserError(f"held-out films of {self.row.name}, seed {seed}: {error}") from error
            pooled.append(together)
        return tuple(pooled)

    @cached_property
    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """Metrics with intervals of `out_of_fold`, `one_model` and `ensemble`.

        Without a complete seed there is only `one_model`.
        """
        pooled = {"out_of_fold": self.estimate_out_of_fold(MEASURED)} if self.complete else {}
        sets = {"one_model": self.models, "ensemble": self.ensembles}
        tested = {kind: self.row.bootstrap.estimate(runs, MEASURED) for kind, runs in sets.items() if runs}
        return pooled | tested

    def estimate_out_of_fold(self, names: Iterable[str]) -> dict[str, Estimate]:
        """Estimate metrics of `out_of_fold`; the spread of the folds is part of the intervals.

        Args:
            names: Keys of `METRICS`.
        """
        names, bootstrap = tuple(names), self.row.bootstrap
        by_seed = [[self.row.held_out[place] for place in self.done[seed]] for seed in self.complete]
        training = training_of_folds(list(zip(*by_seed, strict=True)), bootstrap, names)
        return bootstrap.estimate(self.out_of_fold, names, training)

    @property
    def state(self) -> str:
        """Number of finished folds, as text."""
        complete, folds = self.complete, self.folds
        rest = {seed: len(places) for seed, places in self.done.items() if seed not in complete}
        if not complete:
            return ", ".join(f"{count} of {folds} folds of seed {seed}" for seed, count in rest.items())
        several = f", {len(complete)} seeds" if len(complete) > 1 else ""
        left = "".join(f"; left out: {count} of {folds} of seed {seed}" for seed, count in rest.items())
        return f"{folds} of {folds} folds{several}{left}"


def cross_validations(board: Board) -> list[CrossValidation]:
    """Return the rows of folds of a board that have a finished run, in its order."""
    found = []
    for row in (row for row in board.rows if row.cross_validated and row.runs):
        done: dict[int, list[int]] = defaultdict(list)
        for place, spec in enumerate(row.specs):
            done[spec.seed].append(place)
        found.append(CrossValidation(row, {seed: tuple(places) for seed, places in sorted(done.items())}))
    return found
