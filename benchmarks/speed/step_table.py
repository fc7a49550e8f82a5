"""Command that writes a table about the training steps of recipes into `docs/speed.md`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.command_line import CommandLine, report_usage_error
from benchmarks.page_part import write_part
from benchmarks.speed.page import PAGE
from benchmarks.suite.suites import choose_recipes
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Recipe
from pneumo_tf.report.markdown import Markdown


def run_step_table(
    command: str,
    description: str,
    part: str,
    tabulate: Callable[[Sequence[Recipe]], Markdown],
    arguments: Sequence[str] | None,
) -> int:
    """Run the command; return 0, or 2 for a usage error.

    Args:
        command: Name after `python -m benchmarks.`.
        description: What the command does.
        part: Part of the page that the table replaces.
        tabulate: Function that returns the table of recipes.
        arguments: Arguments of the command; None for those of the process.
    """
    try:
        options = _make_parser(command, description).parse_args(arguments)
        write_part(options.page, part, tabulate(choose_recipes("core", options.only)))
    except (UserError, OSError) as error:
        return report_usage_error(error)
    print(f"{part} written to {options.page}")
    return 0


def _make_parser(command: str, description: str) -> CommandLine:
    parser = CommandLine(command, description, [""])
    parser.add_argument("--only", metavar="RECIPES", help="recipes by name or pattern, instead of core")
    parser.add_argument(
        "--page", type=Path, default=PAGE, metavar="FILE", help="page with marks (default: %(default)s)"
    )
    return parser
