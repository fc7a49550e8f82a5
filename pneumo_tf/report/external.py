"""External validation: the ranked rows of a board on external films."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.evaluation.external import EXTERNAL_SEED, ExternalResult, measure_external
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.external_sets import external_set
from pneumo_tf.report.board import Board, Row


@dataclass(frozen=True)
class ExternalRow:
    """A ranked row on an external set.

    Args:
        row: The row.
        places: Indices in `row.runs` of the runs that were scored on the set.
        films: Predictions of these runs.
        result: Estimates over these runs.
    """

    row: Row
    places: tuple[int, ...]
    films: tuple[LabelledPredictions, ...]
    result: ExternalResult

    @property
    def distinguishes(self) -> bool:
        """Whether scores differ between films in any of its runs; a constant score cannot rank films."""
        return any(np.ptp(run.score) > 0 for run in self.films)


@dataclass(frozen=True)
class ExternalValidation:
    """An external set, with the ranked rows that were scored on it.

    Args:
        board: The board of the source.
        dataset: The external set.
    """

    board: Board
    dataset: Dataset

    @cached_property
    def bootstrap(self) -> PatientBootstrap:
        """Bootstrap over the patients of the set, shared by its rows."""
        return PatientBootstrap(seed=EXTERNAL_SEED)

    @cached_property
    def rows(self) -> tuple[ExternalRow, ...]:
        """Rows in the order of the board's ranking; those without a scored run are left out."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[ExternalRow]:
        name = external_set(self.dataset.films.fingerprint)
        for row in self.board.ranking:
            places, films = row.scored_on(name)
            if places:
                here = ([sets[place] for place in places] for sets in (row.validation, row.test))
                result = measure_external(row.bootstrap, self.bootstrap, *here, films)
                yield ExternalRow(row, tuple(places), films, result)

    @property
    def ranks(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Ranks by AUC on the board and on this set, by key of the row; only rows with both are ranked."""
        known = [one for one in self.rows if np.isfinite(one.result.auc.value)]
        order = sorted(known, key=lambda one: -one.result.auc.value)
        there = {one.row.key: rank for rank, one in enumerate(order, start=1)}
        return {one.row.key: (rank, there[one.row.key]) for rank, one in enumerate(known, start=1)}
