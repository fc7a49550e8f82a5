"""Export of boards: a CSV with a line per row and metric, and a JSON with all results."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pneumo_tf.evaluation.equivalence import equivalence_p
from pneumo_tf.evaluation.intervals import INTERVAL_LEVEL, Estimate
from pneumo_tf.evaluation.metrics import count_outcomes
from pneumo_tf.evaluation.resampling import REPLICATES
from pneumo_tf.report.board import COMPARE, Board, Row
from pneumo_tf.report.cross_validation import CrossValidation, cross_validations
from pneumo_tf.report.frame import (
    DIGITS,
    concatenate,
    count_patients,
    describe_board,
    describe_row,
    frame_to_csv,
    tabulate_reported,
)
from pneumo_tf.report.standings import Standing
from pneumo_tf.report.tables.ranking import COLUMNS
from pneumo_tf.report.wording import units_of

MOST_COMPARED = 100
"""Most ranked rows whose pairs are exported."""

FIELDS = (
    *("dataset", "title", "profile", "protocol", "rank", "letters", "recipe", "family", "trivial"),
    *("informed_by_test", "metric", "better", "value", "low", "high", "sd", "runs", "seeds", "folds"),
    *("test_films", "test_patients", "initial", "precision", "device", "harness", "run_ids", "licence"),
)
"""Columns of the CSV in their published order; further columns of the ranking follow."""


def to_csv(boards: Iterable[Board]) -> str:
    """Return CSV with a line per board, finished row and metric; undefined values are empty."""
    names = {"row": "recipe", "films": "test_films", "patients": "test_patients"}
    frame = concatenate(map(tabulate_reported, boards)).drop(columns="recipe").rename(columns=names)
    return frame_to_csv(frame[list(_fields())])


def to_json(boards: Sequence[Board], ranked: Sequence[Sequence[Standing]]) -> str:
    """Return JSON with everything on the page and the values of each run."""
    units = units_of(board.wording for board in boards)
    interval = {
        "level": INTERVAL_LEVEL,
        "method": f"score interval, variance over resampled {units} and over seeds",
        "draws": REPLICATES,
    }
    pages = [_board(board, order) for board, order in zip(boards, ranked, strict=True)]
    return _object({"interval": _text(interval), "boards": _array(pages)}) + "\n"


def _board(board: Board, order: Sequence[Standing]) -> str:
    about = describe_board(board) | {"newest": board.newest, "notes": board.notes}
    standing = _by_row(order)
    folds = {found.row.key: found for found in cross_validations(board)}
    # Row by row, because the values of thousands of runs need far more memory than their text.
    rows = (_text(_row(board, row, standing.get(row.key), folds.get(row.key))) for row in board.rows)
    members = {key: _text(value) for key, value in about.items()}
    return _object(members | {"comparisons": _comparisons(board), "rows": _array(rows)})


def _comparisons(board: Board) -> str:
    """Return JSON with every pair of ranked rows: differences, row minus column, and p-values.

    Boards of more than `MOST_COMPARED` rows have none, because their number grows with the square.
    """
    rows = [row.name for row in board.ranking]
    members = {"margin": json.dumps(board.margin)}
    if len(rows) > MOST_COMPARED:
        return _object(members | {"left_out": json.dumps(f"more than {MOST_COMPARED} rows")})
    members["rows"] = json.dumps(rows, ensure_ascii=False)
    for metric in COMPARE if rows else ():
        comparison = board.compare(metric)
        matrices = {
            "difference": comparison.difference,
            "p": comparison.p,
            "p_holm": comparison.adjusted,
        }
        if metric == "auc":
            matrices["equivalence_p_holm"] = equivalence_p(comparison, board.margin)
        members[metric] = _object({key: _matrix(values) for key, values in matrices.items()})
    return _object(members)


def _matrix(values: np.ndarray) -> str:
    """Return JSON with a line for each row, numbers with four digits, since p-values may be very small."""
    lines = [[float(f"{value:.4g}") for value in line] for line in values]
    return _array(json.dumps(_finite(line), allow_nan=False) for line in lines)


def _text(value: Any) -> str:
    return json.dumps(_finite(value), indent=1, ensure_ascii=False, allow_nan=False)


def _object(members: Mapping[str, str]) -> str:
    """Join members, already JSON, to a JSON object."""
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {text}" for key, text in members.items()) + "\n}"


def _array(items: Iterable[str]) -> str:
    """Join items, already JSON, to a JSON array."""
    return "[\n" + ",\n".join(items) + "\n]"


def _row(board: Board, row: Row, standing: Standing | None, folds: CrossValidation | None) -> dict[str, Any]:
    return {
        **_about_row(row, standing),
        "marks": standing.marks if standing else "",
        "against_first": _against_first(board, standing),
        "validation_auc": _rounded(row.validation_auc) if row.runs else None,
        "metrics": {name: _estimate(estimate) for name, estimate in row.estimates.items()},
        **({"cross_validation": _cross_validation(folds)} if folds else {}),
        "by_run": [_run(row, index) for index in range(len(row.runs))],
        "unfinished": [
            {"run": run.name, "seed": run.spec.seed, "fold": run.spec.fold}
            | {"state": run.state, "kind": run.kind, "reason": run.reason}
            for run in row.unfinished
        ],
        "settings": row.recipe.to_dict(),
    }


def _cross_validation(folds: CrossValidation) -> dict[str, Any]:
    return {
        "complete_seeds": folds.complete,
        **{
            kind: {name: _estimate(estimate) for name, estimate in estimates.items()}
            for kind, estimates in folds.estimates.items()
        },
    }


def _run(row: Row, index: int) -> dict[str, Any]:
    spec, scored = row.specs[index], row.test[index]
    return {
        "run": row.runs[index].path.name,
        "seed": spec.seed,
        "fold": spec.fold,
        "weights": spec.weights,
        "metrics": {name: _rounded(estimate.runs[index]) for name, estimate in row.estimates.items()},
        "confusion": dict(
            zip(("tn", "fp", "fn", "tp"), count_outcomes(scored.labels, scored.score), strict=True)
        ),
        "costs": row.costs[index],
        "environment": row.environments[index],
    }


def _about_row(row: Row, standing: Standing | None) -> dict[str, Any]:
    tested = row.test[0] if row.runs else None
    about = describe_row(row, standing) | {
        "test_films": None if tested is None else len(tested),
        "test_patients": None if tested is None else count_patients(row.films, [tested]),
    }
    return {key: about[key] for key in _fields() if key in about}


def _fields() -> tuple[str, ...]:
    return tuple(dict.fromkeys((*FIELDS, *(key for key, column in COLUMNS.items() if column.export))))


def _by_row(order: Sequence[Standing]) -> dict[tuple[str, str], Standing]:
    return {standing.row.key: standing for standing in order}


def _against_first(board: Board, standing: Standing | None) -> dict[str, Any] | None:
    """Return the difference in AUC between a ranked row and the first one, None if there is no AUC."""
    if standing is None or standing.ranks is None:
        return None
    pair = standing.rank - 1, 0
    low, high = board.comparison.interval(*pair) if pair[0] else (0.0, 0.0)
    return {
        "auc": _rounded(board.comparison.difference[pair]),
        "low": _rounded(low),
        "high": _rounded(high),
        "p": _rounded(board.comparison.p[pair]),
        "p_holm": _rounded(board.comparison.adjusted[pair]),
        "rank_interval": standing.ranks,
    }


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {key: _rounded(getattr(estimate, key)) for key in ("value", "low", "high", "sd")}


def _rounded(value: float) -> float | None:
    return round(float(value), DIGITS) if np.isfinite(value) else None


def _finite(values: Any) -> Any:
    """Replace nan and infinities, which JSON lacks, by None at any depth."""
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not np.isfinite(values) else values
