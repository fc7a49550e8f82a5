"""Error rates of intervals and tests on simulated test sets: `python -m benchmarks.error_rates`.

Writes `docs/statistics/error_rates.json` and the table of `docs/statistics.md`; takes a few minutes.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.error_rates.studies import STUDIES, ErrorStudy
from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError
from pneumo_tf.report.markdown import Table

PAGE, RESULTS = "statistics.md", "statistics/error_rates.json"
FIRST = 50
"""Test sets whose counts are stored apart, so that a test can repeat them."""

MARKS = re.compile(r"(<!-- error rates: [^>]*-->\n).*?(<!-- /error rates -->)", re.DOTALL)


def count_errors(study: ErrorStudy, studies: int) -> dict[str, int]:
    """Count by metric in how many of the first `studies` test sets the event of a study happens."""
    counts: Counter[str] = Counter()
    for happened in islice(study.repeat(), studies):
        counts.update({name: int(value) for name, value in happened.items()})
    return dict(counts)


def measure_error_rates() -> dict[str, Any]:
    """Return the counts of every study over all of its test sets and over the first few."""
    results = {}
    for key, study in STUDIES.items():
        counts = count_errors(study, study.studies)
        results[key] = {
            "studies": study.studies,
            "counts": counts,
            "first": {"studies": FIRST, "counts": count_errors(study, FIRST)},
        }
        print(f"{study.title}: {counts} of {study.studies:,}", flush=True)
    return results


def error_rate_table(results: Mapping[str, Any]) -> str:
    """Return the table of the page as markdown."""
    rows = []
    for key, study in STUDIES.items():
        found = results[key]
        for name, count in found["counts"].items():
            share = count / found["studies"]
            promised = f"{100 * study.lowest:g}–{100 * study.highest:g} %"
            rows.append([study.title, name, f"{found['studies']:,}", f"{100 * share:.1f} %", promised])
    return Table(["event", "metric", "test sets", "share", "expected"], rows, left=2).markdown()


def write_page(docs: Path, results: Mapping[str, Any]) -> None:
    """Replace the table between the marks of the page.

    Raises:
        UserError: If the page or its marks are missing.
    """
    page = docs / PAGE
    text = page.read_text("utf-8") if page.exists() else ""
    if not MARKS.search(text):
        raise UserError(f"{page} has no marks <!-- error rates: … --> and <!-- /error rates -->")
    table = error_rate_table(results)
    write_atomically(page, MARKS.sub(lambda marks: f"{marks[1]}\n{table}\n{marks[2]}", text))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.error_rates", description=__doc__)
    parser.add_argument(
        "--docs", type=Path, default=Path("docs"), metavar="DIR", help="folder of the page (default docs)"
    )
    options = parser.parse_args(arguments)
    try:
        results = measure_error_rates()
        write_atomically(options.docs / RESULTS, json.dumps(results, indent=1) + "\n")
        write_page(options.docs, results)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
