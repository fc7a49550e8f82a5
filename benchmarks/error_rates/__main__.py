"""Measure how often intervals and tests are wrong, on simulated test sets.

The true values of these sets are known. Takes a few minutes; writes the counts to statistics/error_rates.json
and the table to statistics.md.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from benchmarks.error_rates.coverage import ABOVE, BELOW
from benchmarks.error_rates.studies import STUDIES, ErrorStudy
from benchmarks.page_part import replace_part
from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError
from pneumo_tf.report.markdown import Table

PAGE, RESULTS = "statistics.md", "statistics/error_rates.json"
HEADER = ("event", "metric", "test sets", "share", "accepted", "truth below / above the interval")
REPEATED_SETS = 50
"""Number of first test sets whose counts are also stored separately, so that a test can repeat them."""


def count_errors(study: ErrorStudy, studies: int) -> dict[str, int]:
    """Count by metric the test sets, of the first `studies`, in which the event of a study occurs."""
    counts: Counter[str] = Counter()
    for happened in islice(study.repeat(), studies):
        counts.update({name: int(value) for name, value in happened.items()})
    return dict(counts)


def measure_error_rates() -> dict[str, Any]:
    """Return the counts of every study over all of its test sets, and over the first ones alone."""
    results = {}
    for key, study in STUDIES.items():
        counts = count_errors(study, study.studies)
        results[key] = {
            "studies": study.studies,
            "counts": counts,
            "first": {"studies": REPEATED_SETS, "counts": count_errors(study, REPEATED_SETS)},
        }
        print(f"{study.title}: {counts} of {study.studies:,}", flush=True)
    return results


def error_rate_table(results: Mapping[str, Any]) -> str:
    """Return the table of the page as markdown."""
    rows = []
    for key, study in STUDIES.items():
        found = results[key]
        shares = {name: count / found["studies"] for name, count in found["counts"].items()}
        sides = {event.format(name) for name in shares for event in (BELOW, ABOVE)}
        expected = f"{100 * study.lowest:g}–{100 * study.highest:g} %"
        for name in (name for name in shares if name not in sides):
            share, missed = f"{100 * shares[name]:.1f} %", _missed(shares, name)
            rows.append([study.title, name, f"{found['studies']:,}", share, expected, missed])
    return Table(HEADER, rows, left=2).markdown()


def _missed(shares: Mapping[str, float], name: str) -> str:
    """Return the shares of intervals that lie above and below the truth, empty for another event."""
    below, above = BELOW.format(name), ABOVE.format(name)
    return f"{100 * shares[below]:.1f} % / {100 * shares[above]:.1f} %" if below in shares else ""


def replace_table(docs: Path, table: str) -> str:
    """Return the text of the page with its table replaced.

    Raises:
        UserError: If the page or its marks are missing.
    """
    page = docs / PAGE
    text = page.read_text("utf-8") if page.exists() else ""
    return replace_part(text, "error rates", table, page)


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        # Reject a wrong folder now, not after minutes of work.
        replace_table(options.docs, "")
        results = measure_error_rates()
        write_atomically(options.docs / RESULTS, json.dumps(results, indent=1) + "\n")
        write_atomically(options.docs / PAGE, replace_table(options.docs, error_rate_table(results)))
    except UserError as error:
        return report_usage_error(error)
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine("error_rates", __doc__, ["", "--docs docs"])
    parser.add_argument(
        "--docs",
        type=Path,
        default=Path("docs"),
        metavar="DIR",
        help="folder of both files (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
