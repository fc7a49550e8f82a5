"""The table of risk and coverage: whether a row knows where it errs."""

from collections.abc import Sequence

from pneumo_tf.evaluation.risk_coverage import rank_errors
from pneumo_tf.report.markdown import DASH, Table, number
from pneumo_tf.report.rows import Row

LEAD = (
    "Area under the risk–coverage curve (AURC), lower is better: how often the calls kept are wrong as the "
    "least trusted are put aside. Scores are averaged over seeds first. Trust is the distance of the score "
    "from the threshold, or the agreement of the seeds; trust without any sense would show the error itself."
)


def risk_coverage(rows: Sequence[Row]) -> Table:
    """A line for each row."""
    lines = []
    for row in rows:
        trust = rank_errors(row.test)
        values = (trust.error, trust.by_score, trust.by_spread, trust.best)
        lines.append((row.name, *(number(value, 3) for value in values)))
    notes = [f"{DASH} one seed."] if any(DASH in line for line in lines) else []
    header = ("Recipe", "Error", "AURC by distance", "AURC by agreement", "Best possible AURC")
    return Table(header, lines, notes)
