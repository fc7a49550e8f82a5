"""The table of thresholds that are chosen again on some of the external films."""

from pneumo_tf.evaluation.external import LOCAL_FILMS, LOCAL_SAMPLES, POINT, LocalRates, choose_locally
from pneumo_tf.evaluation.operating_points import POINTS
from pneumo_tf.report.board import Board
from pneumo_tf.report.external import ExternalRow, ExternalValidation
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number

DECIMALS = 2

LEAD = (
    "Sensitivity / specificity if a hospital chooses the threshold on some of its own labelled films "
    f"({POINTS[POINT].title}) and uses it for the others: means over "
    f"{LOCAL_SAMPLES} random choices of these films and over runs; in brackets the 5th to 95th percentile. "
    "First column: the threshold chosen on the validation films of the board."
)


def local_thresholds_table(board: Board) -> list[Table]:
    """Return a table for each external set that is large enough."""
    return [_table(validation) for validation in board.external_validations]


def _table(validation: ExternalValidation) -> Table:
    header = ("Recipe", "Threshold of the board", *(f"{count} local films" for count in LOCAL_FILMS))
    lines = []
    for one in (one for one in validation.rows if one.distinguishes):
        rates = [choose_locally(one.films, count) for count in LOCAL_FILMS]
        if any(rates):
            lines.append((one.row.name, _at_source(one), *map(_cell, rates)))
    return Table(header, lines, title=validation.dataset.title)


def _at_source(one: ExternalRow) -> str:
    rates = (one.result.sensitivity, one.result.specificity)
    return " / ".join(format_number(rate.value, DECIMALS) for rate in rates)


def _cell(rates: LocalRates | None) -> str:
    if rates is None:
        return DASH
    return " / ".join(
        f"{format_number(mean, DECIMALS)} [{format_number(low, DECIMALS)}–{format_number(high, DECIMALS)}]"
        for mean, low, high in (rates.sensitivity, rates.specificity)
    )
