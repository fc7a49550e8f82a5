"""Results of boards as one tidy table: a line per row, set of films and metric."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pneumo_tf.data.films import Films
from pneumo_tf.evaluation.external import EXTERNAL_SEED
from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS, compute_metrics
from pneumo_tf.external_sets import external_set
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.cross_validation import cross_validations
from pneumo_tf.report.standings import Standing, rank_rows
from pneumo_tf.report.tables.ranking import COLUMNS as RANKING

DIGITS = 6
"""Decimals in files: more than any interval supports, and few enough to be equal on every machine."""

COLUMNS: dict[str, str] = {
    "dataset": "str",
    "title": "str",
    "profile": "str",
    "harness": "int64",
    "protocol": "str",
    "row": "str",
    "recipe": "str",
    "family": "str",
    "trivial": "bool",
    "informed_by_test": "bool",
    "rank": "Int64",
    "letters": "str",
    "set": "str",
    "films": "int64",
    "patients": "Int64",
    "metric": "str",
    "better": "str",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "sd": "float64",
    "runs": "int64",
    "seeds": "str",
    "folds": "str",
    "initial": "str",
    "precision": "str",
    "device": "str",
    "run_ids": "str",
    "licence": "str",
}
"""Columns with their types; further exported columns of the ranking follow."""


def tabulate_board(board: Board) -> pd.DataFrame:
    """Tabulate every row of a board with a finished run: a line for each set of films and metric.

    The sets are the reported one, `validation`, for complete folds `held_out` with one score per film, and
    `external-<fingerprint>` for external films.

    Args:
        board: A board, as `read_boards` returns it.

    Returns:
        The columns of `COLUMNS`. `row` is the name on the board: the recipe, with an addition if it has
        several rows. `value` is the mean over runs, nan if it is not defined. `low` and `high` are the ends
        of its 95 % interval, nan if the runs scored different films, as folds do in `validation`. `sd` is the
        standard deviation over runs. `films` and `patients` are numbers in the set; `patients` is missing if
        none is known. `seeds`, `folds`, `precision`, `device` and `run_ids` are lists, separated by spaces.
    """
    folded = {folds.row.key: folds for folds in cross_validations(board) if folds.complete}
    bootstrap = PatientBootstrap(seed=EXTERNAL_SEED)

    def every_set(row: Row) -> Iterator[dict[str, Any]]:
        yield from _reported_set(row)
        yield from _lines("validation", row.films, row.validation, _estimate(row, row.validation))
        if folds := folded.get(row.key):
            estimates = folds.estimate_out_of_fold(METRICS)
            yield from _lines("held_out", row.films, folds.out_of_fold, estimates)
        for table in (dataset.films for dataset in board.external):
            name = external_set(table.fingerprint)
            _, runs = row.scored_on(name)
            if runs:
                yield from _lines(name, table, runs, bootstrap.estimate(runs))

    return _tabulate(board, every_set)


def tabulate_reported(board: Board) -> pd.DataFrame:
    """Tabulate a board as `tabulate_board` does, but only the set that each row reports on."""
    return _tabulate(board, _reported_set)


def concatenate(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate the tables of boards; without any, return a table without lines."""
    return pd.concat([_frame([]), *frames], ignore_index=True)


def frame_to_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV text, numbers with at most `DIGITS` decimals, undefined values empty."""
    return frame.round(DIGITS).to_csv(index=False, lineterminator="\n")


def describe_board(board: Board) -> dict[str, Any]:
    """Return the values that all lines of a board share."""
    names = ("dataset", "title", "profile", "harness")
    about = {name: getattr(board, name) for name in names}
    return about | {"licence": board.source.describe_licence(board.films)}


def count_patients(films: Films, runs: Iterable[LabelledPredictions]) -> int | None:
    """Return the number of different patients in sets of predictions, None if their dataset states none.

    Args:
        films: Film table of the dataset.
        runs: Predictions of some of these films.
    """
    patients = {patient for run in runs for patient in run.patients.tolist()}
    return len(patients) if films.patients_known else None


def describe_row(row: Row, standing: Standing | None) -> dict[str, Any]:
    """Return the values that all lines of a row share.

    Args:
        row: A row.
        standing: Its standing, None if it is not ranked.
    """
    return {
        "protocol": row.protocol,
        "rank": standing and standing.rank,
        "family": row.recipe.family,
        "trivial": row.trivial,
        "informed_by_test": row.recipe.informed_by_test,
        "seeds": sorted({spec.seed for spec in row.specs}),
        "folds": sorted({spec.fold for spec in row.specs if spec.fold is not None}),
        "precision": sorted({spec.precision for spec in row.specs}),
        "device": row.devices,
        "run_ids": [folder.path.name for folder in row.runs],
        **{key: column.export(row, standing) for key, column in RANKING.items() if column.export},
    }


def _tabulate(board: Board, lines_of: Callable[[Row], Iterator[dict[str, Any]]]) -> pd.DataFrame:
    standings = {standing.row.key: standing for standing in rank_rows(board)}
    lines = []
    for row in (row for row in board.rows if row.runs):
        about = describe_board(board) | describe_row(row, standings.get(row.key))
        about |= {"row": row.name, "recipe": row.recipe.name}
        about = {key: " ".join(map(str, v)) if isinstance(v, list) else v for key, v in about.items()}
        lines += [about | line for line in lines_of(row)]
    return _frame(lines)


def _frame(lines: Sequence[dict[str, Any]]) -> pd.DataFrame:
    added = [key for key, column in RANKING.items() if column.export and key not in COLUMNS]
    return pd.DataFrame(lines, columns=[*COLUMNS, *added]).astype(COLUMNS)


def _reported_set(row: Row) -> Iterator[dict[str, Any]]:
    return _lines(row.reported_set, row.films, row.test, row.estimates)


def _lines(
    name: str, table: Films, runs: Sequence[LabelledPredictions], estimates: Mapping[str, Estimate]
) -> Iterator[dict[str, Any]]:
    """Yield a line for each metric of a set of films of a table."""
    films = {film_id for run in runs for film_id in run.ids}
    patients = count_patients(table, runs)
    for metric, estimate in estimates.items():
        yield {
            "set": name,
            "films": len(films),
            "patients": patients,
            "metric": metric,
            "better": METRICS[metric].better,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "sd": estimate.sd,
        }


def _estimate(row: Row, runs: Sequence[LabelledPredictions]) -> dict[str, Estimate]:
    """Estimate every metric; runs that scored different films have no common interval."""
    if len({run.ids for run in runs}) == 1:
        return row.bootstrap.estimate(runs)
    found = [compute_metrics(run.labels, run.score, subtypes=run.subtypes) for run in runs]
    return {name: _mean(np.concatenate([values[name] for values in found])) for name in METRICS}


def _mean(values: np.ndarray) -> Estimate:
    """Return the mean of (s,) values of runs, without an interval."""
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return Estimate(float(values.mean()), np.nan, np.nan, sd, tuple(map(float, values)))
