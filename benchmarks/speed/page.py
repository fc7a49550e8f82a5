"""Writes the tables of `docs/speed.md` from measured figures: `python -m benchmarks.speed.page`."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.contest import Line
from benchmarks.speed.machine import in_words, warning
from benchmarks.speed.table import notes, table
from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError

PAGE, FIGURES = Path("docs/speed.md"), Path("docs/speed")
MARKS = re.compile(r"(<!-- figures: [^>]*-->\n).*?(<!-- /figures -->)", re.DOTALL)


def write_page(page: Path, figures: Path) -> int:
    """Replaces what stands between the marks of a page.

    Args:
        page: Has the marks `<!-- figures: … -->` and `<!-- /figures -->`.
        figures: Folder of what `python -m benchmarks.speed --json` wrote, one file for each machine.

    Returns:
        How many machines there are.

    Raises:
        UserError: Where the page has no such marks, or a file is none of those.
    """
    text = page.read_text("utf-8")
    if not MARKS.search(text):
        raise UserError(f"{page} has no place for figures: <!-- figures: … --> and <!-- /figures -->")
    sections = [_section(file) for file in sorted(figures.glob("*.json"))]
    body = "\n\n".join(sections) or "Nothing was measured yet."
    write_atomically(page, MARKS.sub(lambda marks: f"{marks[1]}\n{body}\n\n{marks[2]}", text))
    return len(sections)


def _section(file: Path) -> str:
    try:
        measured = json.loads(file.read_text("utf-8"))
        lines = [(line["letter"], Line.from_dict(line)) for line in measured["lines"]]
        about = [in_words(measured["machine"]), f"{measured['films']}; medians of {measured['repeat']} turns"]
        busy = warning(measured["machine"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is not what benchmarks.speed --json writes: {error}; measure again"
        ) from error
    parts = [f"### {measured['machine']['device']}", "\n".join(f"- {line}" for line in about)]
    parts += [f"> {busy}"] if busy else []
    return "\n\n".join([*parts, table(lines).rstrip("\n"), "\n".join(f"- {note}" for note in notes(lines))])


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.page", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE")
    parser.add_argument("--figures", type=Path, default=FIGURES, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        print(f"figures of {write_page(options.page, options.figures)} machine(s) written to {options.page}")
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
