"""Write the tables of `docs/speed.md` from stored measurements."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from benchmarks.page_part import replace_part
from benchmarks.speed.gpu_claims import claims_table
from benchmarks.speed.machine import format_machine, warn_if_busy
from benchmarks.speed.table import list_notes, tabulate_speed
from benchmarks.speed.timing import Line
from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError
from pneumo_tf.report.markdown import Markdown, join_parts, render

PAGE, FIGURES = Path("docs/speed.md"), Path("docs/speed")
PARTS = ("figures", "gpu claims")
"""Parts of the page that are written, each between `<!-- NAME: … -->` and `<!-- /NAME -->`."""


def write_page(page: Path, figures: Path) -> int:
    """Replace the text between the marks of a page.

    Args:
        page: Page with the marks `<!-- figures: … -->` and `<!-- /figures -->`.
        figures: Folder of files that `python -m benchmarks.speed --json` wrote, one for each machine.

    Returns:
        Number of machines.

    Raises:
        UserError: If the page has no such marks, or a file was not written by that command.
    """
    sections = [_section(file) for file in sorted(figures.glob("*.json"))]
    bodies = (join_parts(sections) or "Nothing was measured yet.", claims_table())
    text = page.read_text("utf-8")
    for part, body in zip(PARTS, bodies, strict=True):
        text = replace_part(text, part, body, page)
    write_atomically(page, text)
    return len(sections)


def _section(file: Path) -> Markdown:
    try:
        measured = json.loads(file.read_text("utf-8"))
        lines = [(line["letter"], Line.from_dict(line)) for line in measured["lines"]]
        about = [
            format_machine(measured["machine"]),
            f"{measured['films']}; medians of {measured['repeat']} turns",
        ]
        busy = warn_if_busy(measured["machine"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} was not written by benchmarks.speed --json: {error}; measure again"
        ) from error
    return render(
        "speed.md",
        device=measured["machine"]["device"],
        about=about,
        busy=busy,
        table=tabulate_speed(lines),
        notes=list_notes(lines),
    )


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        count = write_page(options.page, options.figures)
    except (UserError, OSError) as error:
        return report_usage_error(error)
    print(f"figures of {count} machine(s) written to {options.page}")
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine("speed.page", __doc__, ["", "--page docs/speed.md --figures docs/speed"])
    parser.add_argument(
        "--page",
        type=Path,
        default=PAGE,
        metavar="FILE",
        help="page with marks around its tables (default: %(default)s)",
    )
    parser.add_argument(
        "--figures",
        type=Path,
        default=FIGURES,
        metavar="DIR",
        help="folder of measured figures, one file for each machine (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
