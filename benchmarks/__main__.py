"""List the commands: `python -m benchmarks`."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import ends_with_its_reader, report_usage_error
from pneumo_tf.errors import UserError, unknown

COMMANDS = ("run_all", "report", "fetch", "audit", "doctor", "speed", "views", "error_rates", "reference")
"""Commands, in the order of the list: `benchmarks/NAME.py` or `benchmarks/NAME/__main__.py`."""


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """List the commands; return 0, or 2 if an argument is given."""
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] not in ("-h", "--help"):
        return report_usage_error(_describe_unexpected(words[0]))
    width = max(map(len, COMMANDS))
    print("Commands, each with --help: python -m benchmarks.NAME\n")
    for name in COMMANDS:
        print(f"  {name:{width}}  {read_summary(name)}")
    return 0


def read_summary(command: str) -> str:
    """Return the first line of a command's docstring, read from its file, since imports may take seconds."""
    module = Path(__file__).with_name(command)
    file = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
    return ast.get_docstring(ast.parse(file.read_text("utf-8"))).splitlines()[0]


def _describe_unexpected(word: str) -> UserError:
    if word in COMMANDS:
        return UserError(f"{word} is a separate module: python -m benchmarks.{word}")
    return unknown("command", word, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
