"""Measure the speed of the project, compared with alternatives, as one table.

Alternatives take turns; the table shows medians, ratios and targets, and notes below it describe how each row
was measured.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command_line import (
    CommandLine,
    add_films,
    at_least,
    ends_with_its_reader,
    reading_options,
    report_usage_error,
)
from benchmarks.speed.entries import ENTRIES, choose_entries
from benchmarks.speed.machine import describe_machine, format_machine, warn_if_busy
from benchmarks.speed.table import list_notes, tabulate_speed
from benchmarks.speed.timing import Line
from pneumo_tf.atomic import write_atomically
from pneumo_tf.costs.hardware import gpus
from pneumo_tf.errors import UserError

if TYPE_CHECKING:
    from benchmarks.speed.speed_setup import Scale, Setup

EXIT_NOT_MEASURED, EXIT_INTERRUPTED = 1, 130
NEEDS_GPU = Line("open: needs a GPU", note="not measured: this machine has no NVIDIA GPU.")


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None, scale: "Scale | None" = None) -> int:
    """Run the command.

    Args:
        arguments: Command line, by default that of this process.
        scale: How much is measured, by default `Scale()`.

    Returns:
        0, also if a target is missed, which the table shows; 1 if a row could not be measured, with the
        reason below the table; 2 for a usage error; 130 after Ctrl-C, with the table of the measurements so
        far.
    """
    try:
        options = make_parser().parse_args(arguments)
        letters = _check_options(options)
    except UserError as error:
        return report_usage_error(error)
    measured: dict[str, Any] = {"machine": describe_machine(), "repeat": options.repeat}
    lines: list[tuple[str, Line]] = []
    _log(format_machine(measured["machine"]))
    _log(warn_if_busy(measured["machine"]))
    try:
        with _scratch(options.out) as scratch:
            setup = _make_setup(options, scratch, scale)
            measured["films"] = setup.dataset.title
            status = _measure_all(letters, setup, lines)
    except UserError as error:
        status = report_usage_error(error)
    except KeyboardInterrupt:
        print("interrupted; measurements so far:", file=sys.stderr)
        status = EXIT_INTERRUPTED
    if lines:
        _finish(measured, lines, options.json)
    return status


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine(
        "speed",
        __doc__,
        ["", "--only a,c --repeat 3", "--data data/chest_xray --json docs/speed/laptop.json"],
        f"Rows: {'; '.join(f'{letter} ({entry.title})' for letter, entry in ENTRIES.items())}.",
        dict.fromkeys(ENTRIES, "rows are chosen with --only"),
    )
    parser.add_argument(
        "--only", metavar="ROWS", help="rows by letter, with commas between (default: all of them)"
    )
    parser.add_argument(
        "--repeat",
        type=at_least(1),
        default=5,
        metavar="N",
        help="turns of each alternative that count (default: %(default)s)",
    )
    add_films(parser)
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="folder of the ImageNet weights")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for the figures of every turn")
    parser.add_argument(
        "--large", action="store_true", help="measure row g over 10,000 runs as well, which takes minutes"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for intermediate files (default: a temporary one)"
    )
    return parser


def _check_options(options: argparse.Namespace) -> list[str]:
    """Return the chosen rows; reject wrong options before any film is read."""
    letters = choose_entries(options.only)
    if options.weights and not options.weights.is_dir():
        raise UserError(f"--weights {options.weights}: no such folder")
    if options.json and not options.json.parent.is_dir():
        raise UserError(f"--json {options.json}: there is no folder {options.json.parent}")
    return letters


@contextlib.contextmanager
def _scratch(out: Path | None) -> Iterator[Path]:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        yield Path(folder)


def _make_setup(options: argparse.Namespace, scratch: Path, scale: "Scale | None") -> "Setup":
    from benchmarks.speed.speed_setup import LARGE_RUNS, Scale, Setup
    from benchmarks.suite.source import find_source, read_source
    from benchmarks.suite.terminal import Terminal
    from pneumo_tf.training.device import prepare_tensorflow

    prepare_tensorflow()
    source = find_source(options.data, reading_options(options))
    for note in source.notes:
        _log(note)
    dataset, _ = read_source(source, None, options.sizes, Terminal().progress)
    scale = scale or Scale()
    if options.large:
        scale = replace(scale, growing_runs=(*scale.growing_runs, LARGE_RUNS))
    return Setup(dataset, options.sizes is not None, scratch, options.weights, options.repeat, scale, _log)


def _measure_all(letters: Sequence[str], setup: "Setup", lines: list[tuple[str, Line]]) -> int:
    """Add each line as soon as it is measured, and return the exit status."""
    status = 0
    for letter in letters:
        try:
            for line in _measure(letter, setup):
                lines.append((letter, line))
        # An error costs one row: earlier rows are kept and later ones still measured.
        except Exception as error:
            lines.append((letter, _not_measured(letter, error)))
            status = EXIT_NOT_MEASURED
    return status


def _measure(letter: str, setup: "Setup") -> Iterator[Line]:
    entry = ENTRIES[letter]
    if entry.gpu and not gpus():
        yield NEEDS_GPU
        return
    _log(f"({letter}) {entry.title} …")
    yield from entry.resolve()(setup)


def _not_measured(letter: str, error: Exception) -> Line:
    reason = str(error)
    if not isinstance(error, UserError):
        traceback.print_exception(error)
        reason = f"{type(error).__name__}: {(reason.strip().splitlines() or [''])[0]}"
    return Line(f"open: {ENTRIES[letter].title}", note=f"not measured: {reason}.")


def _finish(measured: dict[str, Any], lines: Sequence[tuple[str, Line]], file: Path | None) -> None:
    print(tabulate_speed(lines))
    print(*list_notes(lines), sep="\n")
    if file:
        values = measured | {"lines": [{"letter": letter} | line.to_dict() for letter, line in lines]}
        write_atomically(file, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _log(line: str) -> None:
    if line:
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
