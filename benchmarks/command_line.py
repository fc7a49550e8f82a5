"""Shared parts of all commands: argument parser, usage errors in one line, and exit without a traceback."""

import argparse
import difflib
import functools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, ParamSpec

from pneumo_tf.data.datasets.reading_options import (
    ReadingOptions,
    parse_classes,
    parse_fraction,
    parse_patient,
)
from pneumo_tf.errors import UserError, unknown
from pneumo_tf.printable import make_printable

EXIT_USAGE_ERROR, EXIT_BROKEN_PIPE = 2, 141
"""Exit statuses; the second is that of a process which SIGPIPE ended, as a shell reports it."""

Arguments = ParamSpec("Arguments")


def ends_with_its_reader(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """Decorate a `main` to exit without an error if the reader of its output, such as `head`, has exited."""

    @functools.wraps(main)
    def run(*args: Arguments.args, **options: Arguments.kwargs) -> int:
        try:
            try:
                return main(*args, **options)
            finally:
                # Without this, output that is still buffered fails when the interpreter exits.
                sys.stdout.flush()
        except BrokenPipeError:
            # The interpreter flushes standard output once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_BROKEN_PIPE

    return run


class CommandLine(argparse.ArgumentParser):
    """Parser of a command's arguments.

    Args:
        command: Name after `python -m benchmarks.`.
        description: What the command does, paragraphs with empty lines between; usually its docstring.
        examples: Arguments of each example; an empty string for none.
        notes: Further paragraph, shown before the examples.
        choices: Hint for a name that was given without its option, by name.
    """

    def __init__(
        self,
        command: str,
        description: str,
        examples: Sequence[str],
        notes: str = "",
        choices: Mapping[str, str] | None = None,
    ) -> None:
        prog = f"python -m benchmarks.{command}"
        lines = [f"  {prog} {arguments}".rstrip() for arguments in examples]
        parts = [_wrapped(notes), "\n".join(["examples:", *lines])]
        super().__init__(
            prog=prog,
            description="\n\n".join(map(_wrapped, description.strip().split("\n\n"))),
            epilog="\n\n".join(filter(None, parts)),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.choices = choices or {}

    def parse_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> Any:
        """Parse arguments, by default those of this process.

        Raises:
            UserError: For an argument that is unknown, missing or out of range.
        """
        known, rest = self.parse_known_args(args, namespace)
        if rest:
            raise self.describe_unexpected(rest[0])
        return known

    def describe_unexpected(self, argument: str) -> UserError:
        """Return the error for an argument that the command does not accept."""
        if argument.startswith("-"):
            options = re.findall(r"--[a-z-]+", self.format_usage())
            return unknown("option", argument.split("=")[0], ["--help", *options])
        near = difflib.get_close_matches(argument, self.choices, n=1, cutoff=0.6)
        if near:
            return UserError(f"unexpected {argument!r}; {self.choices[near[0]]} {near[0]}")
        return UserError(f"unexpected {argument!r}; --help shows every option")

    def error(self, message: str) -> NoReturn:
        """Raise a message of argparse as an error of this project."""
        raise UserError(message.removeprefix("argument "))


def at_least(lowest: int) -> Callable[[str], int]:
    """Return the `type` of an argument that is a whole number, at least `lowest`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number, not {text}") from None
        if number < lowest:
            raise argparse.ArgumentTypeError(f"must be at least {lowest}, not {number}")
        return number

    return read


def one_of(kind: str, names: Collection[str]) -> Callable[[str], str]:
    """Return the `type` of an argument that is one of some names.

    Args:
        kind: Kind of the names, such as `"protocol"`.
        names: All known names.
    """

    def read(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(str(unknown(kind, text, names)))
        return text

    return read


def as_type(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the `type` of an argument that a function reads, so that its `UserError` names the option."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def add_films(group: Any) -> None:
    """Add the options that name and describe films to a parser or to a group of its options."""
    group.add_argument(
        "--data",
        default="auto",
        metavar="FILMS",
        help="auto, the name of a dataset, a folder of films, or a CSV with the columns path and label "
        "(default: %(default)s; docs/films.md)",
    )
    group.add_argument(
        "--images", type=Path, metavar="FOLDER", help="folder of the films of a CSV (default: the CSV's own)"
    )
    group.add_argument(
        "--classes",
        type=as_type(parse_classes),
        metavar="NAMES",
        help="class of each folder or label, such as normal=healthy,pneumonia=covid; others are left out",
    )
    group.add_argument(
        "--patient",
        type=as_type(parse_patient),
        metavar="REGEX",
        help="regular expression that finds the patient in a film's path, such as '^(\\d+)_'",
    )
    group.add_argument(
        "--test",
        type=as_type(parse_fraction),
        metavar="FRACTION",
        help="fraction of test films if none are stated, all films of a patient together (default: 0.2)",
    )
    group.add_argument(
        "--task", metavar="NAME", help="classification task, for sets with several (rsna, nih: docs/films.md)"
    )
    group.add_argument(
        "--sizes",
        type=Path,
        metavar="CSV",
        help="original sizes, path,width,height, of films that were resized after they were published",
    )


def reading_options(options: Any) -> ReadingOptions:
    """Return the options of `add_films` that describe films."""
    return ReadingOptions(**{option.name: getattr(options, option.name) for option in fields(ReadingOptions)})


def report_usage_error(error: Exception) -> int:
    """Print what is wrong in one line of printable characters, and return the exit status."""
    print(f"error: {make_printable(str(error))}", file=sys.stderr)
    return EXIT_USAGE_ERROR


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, min(shutil.get_terminal_size().columns - 2, 110))
