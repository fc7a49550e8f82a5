"""The tables of AUC by groups of test films, with a test whether it depends on the group."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pneumo_tf.data.films import METADATA, Films
from pneumo_tf.evaluation.comparison import holm
from pneumo_tf.evaluation.intervals import LEAST_PATIENTS, Estimate, estimate_mean
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.subgroups import Groups, groupings, interaction_p
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import decimals_of, format_p, with_interval
from pneumo_tf.report.tables.first_rows import first_rows

LEAD = (
    "AUC [95 %] on groups of test films; a subtype of pneumonia is compared with all normal films. A group "
    f"needs {LEAST_PATIENTS} {{unit}}s of each class. p: whether AUC is the same in all groups (Wald, "
    "covariance of replicates that share the {unit}s), after Holm's correction over the rows of a table; a "
    "large p does not show that groups are equal. Groups may also differ in other ways."
)


def subgroups_tables(board: Board) -> list[Table]:
    """Return a table for each way to group the test films, with a line for each ranked row."""
    rows, notes = first_rows([row for row in board.ranking if np.ptp(row.test[0].score) > 0])
    if not rows:
        return []
    test = board.films.indices(rows[0].test[0].ids)
    films = replace(board.films, rows=tuple(board.films.rows[at] for at in test))
    tables = [_table(rows, films, name, groups) for name, groups in groupings(films).items()]
    unknown = [name for name in METADATA if name not in films.covariates]
    if unknown:
        notes.append(f"Unknown for these films: {', '.join(unknown)}.")
    return [*tables[:-1], *(replace(table, notes=notes) for table in tables[-1:])]


def _table(rows: Sequence[Row], films: Films, name: str, groups: Groups) -> Table:
    found = [[_auc(row, films, member) for member in groups.values()] for row in rows]
    p = holm(np.array([interaction_p(*_stacked(estimates)) for estimates in found]))
    titles = (f"{title} ({int(member.sum()):,} films)" for title, member in groups.items())
    decimals = [decimals_of(column, "auc") for column in zip(*found, strict=True)]
    lines = []
    for row, estimates, adjusted in zip(rows, found, p, strict=True):
        cells = (with_interval(one, count) for one, count in zip(estimates, decimals, strict=True))
        lines.append((row.name, *cells, format_p(adjusted)))
    return Table(("Recipe", *titles, "p"), lines, title=f"By {name}")


def _auc(row: Row, films: Films, member: np.ndarray) -> Estimate:
    """Estimate the AUC of a row on a group; all groups share the resampled patients."""
    found = np.stack([_replicate_auc(row, run, member[films.indices(run.ids)]) for run in row.test])
    group = row.test[0].where(member[films.indices(row.test[0].ids)])
    fewest = min(len(np.unique(group.patients[group.labels == label])) for label in (0, 1))
    return estimate_mean(found[:, 0], found[:, 1:], fewest, row.bootstrap.seed_of(row.test))


def _replicate_auc(row: Row, run: LabelledPredictions, inside: np.ndarray) -> np.ndarray:
    """Return the (1 + replicates,) AUC of the films for which `inside` holds."""
    group = run.where(inside)
    return row.bootstrap.replicate(
        run,
        lambda weights: compute_metrics(group.labels, group.score, weights[:, inside], names=["auc"])["auc"],
    )


def _stacked(estimates: list[Estimate]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([one.value for one in estimates])
    return values, np.stack([one.replicates for one in estimates]).astype(np.float64)
