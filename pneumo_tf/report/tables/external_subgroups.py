"""The table of external validation by age, sex and view."""

import numpy as np

from pneumo_tf.evaluation.external import EXTERNAL_SEED
from pneumo_tf.evaluation.intervals import LEAST_PATIENTS, Estimate, PatientBootstrap
from pneumo_tf.evaluation.subgroups import subgroups
from pneumo_tf.report.board import Board
from pneumo_tf.report.external import ExternalRow, ExternalValidation
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import decimals_of, with_interval

LEAD = (
    "AUC [95 %] on the films of each group with at least "
    f"{LEAST_PATIENTS} patients of each class. Groups differ in more than age, sex or view, so a difference "
    "in AUC may have other causes."
)


def external_subgroups_table(board: Board) -> list[Table]:
    """Return a table for each external set with subgroups: a line for each row, a column for each group."""
    return [_table(validation) for validation in board.external_validations]


def _table(validation: ExternalValidation) -> Table:
    films = validation.dataset.films
    groups = dict(subgroups(films))
    rows = [one for one in validation.rows if one.distinguishes]
    bootstrap = PatientBootstrap(seed=EXTERNAL_SEED)
    found = {
        title: [_auc(one, films.position, member, bootstrap) for one in rows]
        for title, member in groups.items()
    }
    header = ("Recipe", *(f"{title} ({int(member.sum()):,} films)" for title, member in groups.items()))
    decimals = {title: decimals_of(estimates, "auc") for title, estimates in found.items()}
    lines = [
        (one.row.name, *(with_interval(found[title][at], decimals[title]) for title in groups))
        for at, one in enumerate(rows)
    ]
    return Table(header, lines if groups else [], title=validation.dataset.title)


def _auc(
    one: ExternalRow, position: dict[str, int], member: np.ndarray, bootstrap: PatientBootstrap
) -> Estimate:
    inside = [run.where(member[[position[film_id] for film_id in run.ids]]) for run in one.films]
    return bootstrap.estimate(inside, ["auc"])["auc"]
