"""Tables of external validation: ranked rows on external films, without training on them."""

import numpy as np

from pneumo_tf.evaluation.external import POINT, ExternalResult
from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.operating_points import POINTS
from pneumo_tf.report.board import Board
from pneumo_tf.report.external import ExternalRow, ExternalValidation
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import (
    DASH,
    difference_with_interval,
    supported_decimals,
    with_interval,
)

LEAD = (
    "No run was trained, chosen or calibrated on these films. Change: AUC on this set minus AUC on the test "
    "films of the board. Sensitivity and specificity at the threshold chosen on the validation films of the "
    f"board ({POINTS[POINT].title}). Calibration slope: 1 is best, below 1 probabilities are too extreme; "
    "intercept: 0 is best, above 0 pneumonia is more frequent than predicted. Rank: by AUC on the board → on "
    "this set, among the rows that were scored on both."
)

COLUMNS = {
    "auc": "AUC [95 %]",
    "sensitivity": "Sensitivity [95 %]",
    "specificity": "Specificity [95 %]",
    "slope": "Calibration slope [95 %]",
    "intercept": "Intercept [95 %]",
}


def external_validation_table(board: Board) -> list[Table]:
    """Return a table for each external set, with rows in the order of the ranking."""
    return [_table(validation) for validation in board.external_validations]


def _table(validation: ExternalValidation) -> Table:
    rows, ranks = validation.rows, validation.ranks
    decimals = {name: _decimals(rows, name) for name in (*COLUMNS, "change")}
    lines = []
    for one in rows:
        cells = {name: with_interval(getattr(one.result, name), decimals[name]) for name in COLUMNS}
        change = one.result.change
        moved = difference_with_interval(change.value, (change.low, change.high), decimals["change"])
        rank = "{} → {}".format(*ranks[one.row.key]) if one.row.key in ranks else DASH
        auc, *rest = cells.values()
        lines.append((one.row.name, auc, moved, rank, *rest))
    titles = list(COLUMNS.values())
    header = ("Recipe", titles[0], "Change [95 %]", "Rank", *titles[1:])
    dataset = validation.dataset
    return Table(
        header,
        lines,
        _describe_dashes(validation),
        title=dataset.title,
        lead=" ".join([_describe_films(validation), _summarise(validation), *dataset.notes]),
    )


def _decimals(rows: tuple[ExternalRow, ...], name: str) -> int:
    return supported_decimals([_estimate(one.result, name).half_width for one in rows], 2)


def _estimate(result: ExternalResult, name: str) -> Estimate:
    return getattr(result, name)


def _describe_films(validation: ExternalValidation) -> str:
    films = validation.dataset.films
    positive = int(films.labels.sum())
    # Films whose patient is not known are a note of the dataset.
    people = len({film.patient for film in films if film.patient_known})
    known = f"{people:,} patients" if people else "patients unknown"
    return f"{len(films) - positive:,} normal films and {positive:,} of pneumonia; {known}."


def _summarise(validation: ExternalValidation) -> str:
    """Describe how many rows change in AUC by more than chance, and name the best row on the set."""
    known = [one for one in validation.rows if np.isfinite(one.result.change.high) and one.distinguishes]
    if not known:
        return ""
    lower = sum(one.result.change.high < 0 for one in known)
    higher = sum(one.result.change.low > 0 for one in known)
    best = max(known, key=lambda one: one.result.auc.value)
    auc = with_interval(best.result.auc, _decimals(tuple(known), "auc"))
    rows = "1 row" if len(known) == 1 else f"{len(known)} rows"
    return (
        f"Of {rows} whose scores differ between films, {lower} have a lower AUC than on the board and "
        f"{higher} a higher one: the interval of the change excludes 0. Highest AUC: {best.row.name}, {auc}."
    )


def _describe_dashes(validation: ExternalValidation) -> list[str]:
    """Explain the dashes of the table, and name rows with runs that were not scored."""
    notes = []
    labels = validation.dataset.films.labels
    if labels.min() == labels.max():
        notes.append(f"{DASH} these films are of one class.")
    elif any(np.isnan(one.result.slope.value) for one in validation.rows):
        notes.append(f"{DASH} in a calibration column: all scores are equal, or they separate the classes.")
    for one in validation.rows:
        if len(one.places) < len(one.row.runs):
            notes.append(
                f"{one.row.name}: {len(one.places)} of {len(one.row.runs)} runs were scored on this set."
            )
    scored = {one.row.key for one in validation.rows}
    missing = [row.name for row in validation.board.ranking if row.key not in scored]
    if missing:
        notes.append(f"Not scored on this set: {', '.join(missing)}.")
    return notes
