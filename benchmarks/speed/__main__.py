"""One table of what the project claims about its speed: `python -m benchmarks.speed`."""

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

from benchmarks.speed.contest import Line
from benchmarks.speed.entries import ENTRIES, chosen
from benchmarks.speed.machine import describe, in_words, warning
from benchmarks.speed.table import notes, table
from pneumo_tf.atomic import write_atomically
from pneumo_tf.costs.hardware import gpus
from pneumo_tf.errors import UserError

if TYPE_CHECKING:
    from benchmarks.speed.scene import Scale, Scene

EXIT_OPEN, EXIT_WRONG_USE, EXIT_INTERRUPTED = 1, 2, 130
NEEDS_GPU = Line("open: needs a GPU", note="not measured: this machine has no NVIDIA GPU.")


def main(arguments: Sequence[str] | None = None, scale: "Scale | None" = None) -> int:
    """Runs the command.

    Args:
        arguments: The command line, by default this process's.
        scale: How much is measured, by default `Scale()`.

    Returns:
        0, also where a target is missed, which the table says; 1 where something could not be measured, with
        the reason below the table; 2 for wrong use; 130 after Ctrl-C, with the table of what was measured
        until then.
    """
    options = _parser().parse_args(arguments)
    measured: dict[str, Any] = {"machine": describe(), "repeat": options.repeat}
    lines: list[tuple[str, Line]] = []
    try:
        letters = _checked(options)
        _say(in_words(measured["machine"]))
        _say(warning(measured["machine"]))
        with _scratch(options.out) as scratch:
            scene = _scene(options, scratch, scale)
            measured["films"] = scene.dataset.title
            status = _measure_all(letters, scene, lines)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = EXIT_WRONG_USE
    except KeyboardInterrupt:
        print("interrupted; what was measured until then:", file=sys.stderr)
        status = EXIT_INTERRUPTED
    if lines:
        _finish(measured, lines, options.json)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description="Measure what the project claims about its speed, contestants in turn, as one table.",
        epilog="; ".join(f"{letter}: {entry.title}" for letter, entry in ENTRIES.items()),
        allow_abbrev=False,
    )
    parser.add_argument("--only", metavar="LETTERS", help="rows by letter, with commas between")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="turns that count (default 5)")
    parser.add_argument("--data", default="auto", help="auto, the name of a dataset, or a folder of films")
    parser.add_argument("--sizes", type=Path, metavar="CSV", help="original pixel sizes: path,width,height")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="initial weights")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, every turn of them")
    parser.add_argument("--large", action="store_true", help="(g) also over 10,000 runs, which takes minutes")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for what is written on the way (default temporary)"
    )
    return parser


def _checked(options: argparse.Namespace) -> list[str]:
    """Says what is wrong with the options before any film is read."""
    letters = chosen(options.only)
    if options.repeat < 1:
        raise UserError(f"--repeat must be at least 1, not {options.repeat}")
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


def _scene(options: argparse.Namespace, scratch: Path, scale: "Scale | None") -> "Scene":
    from benchmarks.speed.scene import LARGE_RUNS, Scale, Scene
    from benchmarks.suite.source import find_source, read_source
    from benchmarks.suite.terminal import Terminal
    from pneumo_tf.training.device import prepare_tensorflow

    prepare_tensorflow()
    source = find_source(options.data)
    for note in source.notes:
        _say(note)
    dataset, _ = read_source(source, None, options.sizes, Terminal().progress)
    scale = scale or Scale()
    if options.large:
        scale = replace(scale, growing_runs=(*scale.growing_runs, LARGE_RUNS))
    return Scene(dataset, options.sizes is not None, scratch, options.weights, options.repeat, scale, _say)


def _measure_all(letters: Sequence[str], scene: "Scene", lines: list[tuple[str, Line]]) -> int:
    """Adds each line as soon as it is measured, and gives the exit status."""
    status = 0
    for letter in letters:
        try:
            for line in _measure(letter, scene):
                lines.append((letter, line))
        # What was measured before is not lost, and what comes after still is measured.
        except Exception as error:
            lines.append((letter, _not_measured(letter, error)))
            status = EXIT_OPEN
    return status


def _measure(letter: str, scene: "Scene") -> Iterator[Line]:
    entry = ENTRIES[letter]
    if entry.gpu and not gpus():
        yield NEEDS_GPU
        return
    _say(f"({letter}) {entry.title} …")
    yield from entry.resolve()(scene)


def _not_measured(letter: str, error: Exception) -> Line:
    reason = str(error)
    if not isinstance(error, UserError):
        traceback.print_exception(error)
        reason = f"{type(error).__name__}: {(reason.strip().splitlines() or [''])[0]}"
    return Line(f"open: {ENTRIES[letter].title}", note=f"not measured: {reason}.")


def _finish(measured: dict[str, Any], lines: Sequence[tuple[str, Line]], file: Path | None) -> None:
    print(table(lines))
    print(*notes(lines), sep="\n")
    if file:
        values = measured | {"lines": [{"letter": letter} | line.to_dict() for letter, line in lines]}
        write_atomically(file, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _say(line: str) -> None:
    if line:
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
