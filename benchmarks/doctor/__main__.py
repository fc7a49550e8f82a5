"""Check a machine before a long training.

It takes at most 8 minutes with a GPU and 1 minute without, prints tables, and writes them and every
measurement to files.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from benchmarks.doctor.examination import Examination, examine
from benchmarks.doctor.outcome import BAD_STATES, Outcome
from benchmarks.doctor.registry import STEPS, Step, choose_steps
from benchmarks.doctor.tables import describe_examination
from benchmarks.speed.machine import describe_machine
from pneumo_tf.atomic import write_atomically
from pneumo_tf.costs.hardware import Gpu, gpus
from pneumo_tf.errors import UserError

EXIT_PROBLEM, EXIT_INTERRUPTED = 1, 130


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command line, by default this process's.

    Returns:
        0 if nothing is wrong; 1 if a step found a problem, failed, crashed or was stopped; 2 for a usage
        error; 130 after Ctrl-C, with the tables of the measurements so far.
    """
    outcomes: dict[str, Outcome] = {}
    try:
        options = make_parser().parse_args(arguments)
        chosen = choose_steps(options.only)
        card, machine = next(iter(gpus()), None), describe_machine()
        status = _examine(chosen, outcomes, card=card, patience=options.patience)
        _finish(Examination(machine, card is not None, options.patience, outcomes), options.out)
    except UserError as error:
        return report_usage_error(error)
    return status


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine(
        "doctor",
        __doc__,
        ["", "--only probe,tiny_run", "--patience 3 --out outputs/doctor-slow.json"],
        f"Steps: {'; '.join(f'{name} ({step.title})' for name, step in STEPS.items())}.",
        dict.fromkeys(STEPS, "steps are chosen with --only"),
    )
    parser.add_argument(
        "--only", metavar="STEPS", help="steps by name, with commas between (default: all of them)"
    )
    parser.add_argument(
        "--patience",
        type=_positive,
        default=1.0,
        metavar="FACTOR",
        help="factor on the time limits, for a machine that is slow or has other work (default: 1)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/doctor.json"),
        metavar="FILE",
        help="JSON file; the tables go to the same name with .md (default: %(default)s)",
    )
    return parser


def _positive(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text}") from None
    if not 0 < factor < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return factor


def _examine(
    steps: Mapping[str, Step], outcomes: dict[str, Outcome], *, card: Gpu | None, patience: float
) -> int:
    """Run steps, add their outcomes as they come, and return the exit status."""

    def announce(name: str, step: Step) -> None:
        print(f"{name}: {step.title} …", end=" ", file=sys.stderr, flush=True)

    try:
        for name, outcome in examine(steps, card=card, patience=patience, on_start=announce):
            outcomes[name] = outcome
            if outcome.state != "skipped":
                print(f"{outcome.state}, {outcome.seconds:.0f} s", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("\ninterrupted; measurements so far:", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_PROBLEM if any(outcome.state in BAD_STATES for outcome in outcomes.values()) else 0


def _finish(examination: Examination, out: Path) -> None:
    text = describe_examination(examination)
    print(text)
    write_atomically(out, json.dumps(examination.to_dict(), indent=1) + "\n")
    write_atomically(out.with_suffix(".md"), text)
    print(f"written: {out}, {out.with_suffix('.md')}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
