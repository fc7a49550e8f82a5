"""Audit a dataset: counts, duplicates, patients, leakage, shift, sizes, trivial models."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import (
    CommandLine,
    add_films,
    ends_with_its_reader,
    reading_options,
    report_usage_error,
)
from benchmarks.suite.source import find_source, generate_if_missing
from benchmarks.suite.terminal import Terminal
from pneumo_tf.errors import UserError
from pneumo_tf.printable import make_printable


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        _check_place(options.out)
        # Imported here: --help and errors in options need no TensorFlow.
        from pneumo_tf.audit.decoded import decode_set
        from pneumo_tf.audit.page import write_audit

        terminal, source = Terminal(), find_source(options.data, reading_options(options))
        for note in source.notes:
            terminal.warn(note)
        generate_if_missing(source, terminal.progress)
        decoded = decode_set(source.path, options.sizes, terminal.progress("decoding films"), source.options)
        page = write_audit(decoded, options.out, _command(source.path, options), not options.without_films)
    except UserError as error:
        return report_usage_error(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(f"audit: {page}")
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine(
        "audit", __doc__, ["", "--data data/chest_xray --sizes sizes.csv --out docs --without-films"]
    )
    add_films(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs"),
        metavar="DIR",
        help="folder for audit.md and its pictures (default: %(default)s)",
    )
    parser.add_argument("--without-films", action="store_true", help="draw no picture that shows films")
    return parser


def _check_place(out: Path) -> None:
    """Check that the page can be written, before films are decoded."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error


def _command(data: Path, options: argparse.Namespace) -> str:
    """Return the command for the page, with shortened paths, which differ between machines."""
    words = ["python", "-m", "benchmarks.audit", "--data", _place(data)]
    words += ["--images", _place(options.images)] if options.images else []
    words += reading_options(options).as_arguments()
    words += ["--sizes", _place(options.sizes)] if options.sizes else []
    words += ["--out", _place(options.out)]
    words += ["--without-films"] if options.without_films else []
    return make_printable(shlex.join(words))


def _place(path: Path) -> str:
    whole = path.is_absolute() or ".." in path.parts
    return path.name if whole else path.as_posix()


if __name__ == "__main__":
    sys.exit(main())
