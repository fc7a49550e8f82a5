"""Looks at a dataset before anything is trained: `python -m benchmarks.audit --data PATH --out DIR`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.suite.terminal import Terminal
from pneumo_tf.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 for wrong use."""
    options = _parser().parse_args(arguments)
    try:
        _check_place(options.out)
        # Loaded here, so that --help and a wrong option answer at once.
        from pneumo_tf.audit.decoded import decode_set
        from pneumo_tf.audit.page import write_audit

        decoded = decode_set(options.data, options.sizes, Terminal().progress("decoding films"))
        page = write_audit(decoded, options.out, _command(options), not options.without_films)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(f"audit: {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit",
        description="Audit a dataset: counts, duplicates, patients, leakage, shift, sizes, trivial models.",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data/chest_xray"), metavar="PATH", help="the films"
    )
    parser.add_argument(
        "--sizes",
        type=Path,
        metavar="CSV",
        help="original sizes, path,width,height, of films that were resized after they were published",
    )
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
    """A minute of work ends in the page: a place that cannot take it is refused first."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error


def _command(options: argparse.Namespace) -> str:
    """The command as the page tells it: a page is passed on, and whole paths are the machine's own."""
    words = ["python", "-m", "benchmarks.audit", "--data", _place(options.data)]
    words += ["--sizes", _place(options.sizes)] if options.sizes else []
    words += ["--out", _place(options.out)]
    return shlex.join(words + ["--without-films"] * options.without_films)


def _place(path: Path) -> str:
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()


if __name__ == "__main__":
    sys.exit(main())
