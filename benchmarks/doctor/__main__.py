"""Check a machine before hours are spent on it: `python -m benchmarks.doctor`."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.doctor.examination import Examination, examine
from benchmarks.doctor.outcome import WRONG, Outcome
from benchmarks.doctor.registry import STEPS, Step, choose_steps
from benchmarks.doctor.tables import describe_examination
from benchmarks.speed.machine import describe
from pneumo_tf.atomic import write_atomically
from pneumo_tf.costs.hardware import Gpu, gpus
from pneumo_tf.errors import UserError

EXIT_WRONG, EXIT_WRONG_USE, EXIT_INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command line, by default this process's.

    Returns:
        0 if nothing is wrong; 1 if a step found a problem, failed, crashed or was stopped; 2 for wrong use;
        130 after Ctrl-C, with the tables of what was measured until then.
    """
    options = _parser().parse_args(arguments)
    outcomes: dict[str, Outcome] = {}
    try:
        chosen = choose_steps(options.only)
        if options.patience <= 0:
            raise UserError(f"--patience must be above 0, not {options.patience:g}")
        card, machine = next(iter(gpus()), None), describe()
        status = _examine(chosen, outcomes, card=card, patience=options.patience)
        _finish(Examination(machine, card is not None, options.patience, outcomes), options.out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_WRONG_USE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor",
        description="Check a machine: at most 8 minutes with a GPU, 1 without. "
        "Prints tables, and writes them and every figure to files.",
        epilog="; ".join(f"{name}: {step.title}" for name, step in STEPS.items()),
        allow_abbrev=False,
    )
    parser.add_argument("--only", metavar="STEPS", help="steps by name, with commas between")
    parser.add_argument(
        "--patience",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiply the time limits, on a machine that is slow or has other work (default 1)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/doctor.json"),
        metavar="FILE",
        help="JSON file; the tables are written beside it as .md (default outputs/doctor.json)",
    )
    return parser


def _examine(
    steps: Mapping[str, Step], outcomes: dict[str, Outcome], *, card: Gpu | None, patience: float
) -> int:
    """Run steps, add their outcomes as they come, and return the exit status."""

    def announce(name: str, step: Step) -> None:
        print(f"{name}: {step.title} …", file=sys.stderr, flush=True)

    try:
        for name, outcome in examine(steps, card=card, patience=patience, on_start=announce):
            outcomes[name] = outcome
    except KeyboardInterrupt:
        print("interrupted; what was measured until then:", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_WRONG if any(outcome.state in WRONG for outcome in outcomes.values()) else 0


def _finish(examination: Examination, out: Path) -> None:
    text = describe_examination(examination)
    print(text)
    write_atomically(out, json.dumps(examination.to_dict(), indent=1) + "\n")
    write_atomically(out.with_suffix(".md"), text)
    print(f"written: {out}, {out.with_suffix('.md')}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
