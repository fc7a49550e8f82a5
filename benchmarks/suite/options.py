"""Options of `python -m benchmarks.run_all`."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.suites import SUITES
from pneumo_tf.costs.hardware import PRECISIONS
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.errors import UserError, unknown

PROFILES = ("auto", "full", "quick")


@dataclass(frozen=True)
class Options:
    """What the user asked for; see `parser` for each option's meaning."""

    suite: str
    only: str | None
    data: str
    sizes: Path | None
    protocol: str
    profile: str
    seeds: int | None
    size: int | None
    films: int | None
    epochs: int | None
    views: float | None
    weights: str
    precision: str
    xla: bool
    workers: int | None
    tta: int | None
    mc_dropout: int | None
    retry_failed: bool
    fresh: bool
    list: bool
    dry_run: bool
    out: Path

    @property
    def runs(self) -> Path:
        """Folder of the runs."""
        return self.out / "runs"

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.out / "report"

    @property
    def cache(self) -> Path:
        """Folder of decoded films and features."""
        return self.out / "cache"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with an option, with the nearest known one."""

    def error(self, message: str) -> None:
        raise UserError(f"{message}; --help shows every option")


def parse(arguments: Sequence[str]) -> Options:
    """Reads the command line.

    Raises:
        UserError: For an unknown option or a value out of range.
    """
    options = parser()
    known, rest = options.parse_known_args(arguments)
    if rest:
        raise unknown("option", rest[0].split("=")[0], options._option_string_actions)
    if known.protocol not in PROTOCOLS:
        raise unknown("protocol", known.protocol, PROTOCOLS)
    for name, lowest in (
        ("seeds", 1),
        ("size", 32),
        ("films", 40),
        ("epochs", 1),
        ("workers", 1),
        ("tta", 2),
        ("mc_dropout", 2),
    ):
        value = getattr(known, name)
        if value is not None and value < lowest:
            raise UserError(f"--{name.replace('_', '-')} must be at least {lowest}, not {value}")
    return Options(**vars(known))


def _views(text: str) -> float:
    if text == "all":
        return math.inf
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be all or a number from 1 on, not {text}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Builds the parser."""
    options = _Parser(
        prog="python -m benchmarks.run_all",
        description="Train a suite of recipes on chest films and write the leaderboard. "
        "Finished runs are not repeated. Not a medical device.",
        allow_abbrev=False,
    )
    what = options.add_argument_group("what is run")
    what.add_argument("--suite", default="core", help=f"{', '.join(SUITES)} (default core)")
    what.add_argument(
        "--only", metavar="PATTERN", help="recipes by name or pattern instead, with commas between"
    )
    what.add_argument(
        "--protocol",
        default="official",
        help=f"{', '.join(PROTOCOLS)} (default official, the one that ranks; docs/protocols.md)",
    )
    what.add_argument("--seeds", type=int, metavar="N", help="trainings per recipe (default 3, quick 1)")
    data = options.add_argument_group("films")
    data.add_argument(
        "--data", default="auto", help="auto, the name of a dataset, or a folder of films (default auto)"
    )
    data.add_argument("--sizes", type=Path, metavar="CSV", help="original pixel sizes: path,width,height")
    scale = options.add_argument_group("scale")
    scale.add_argument("--profile", default="auto", choices=PROFILES, help="auto: full on a GPU, else quick")
    scale.add_argument("--size", type=int, metavar="PX", help="side of the films for every recipe")
    scale.add_argument("--films", type=int, metavar="N", help="training films; the test set is never cut")
    scale.add_argument("--epochs", type=int, metavar="N", help="at most so many epochs in each phase")
    scale.add_argument(
        "--views",
        type=_views,
        metavar="N|all",
        help="augmented views of a film that a frozen backbone sees, cycled over the epochs; all: new ones "
        "in every epoch (default all, quick 8)",
    )
    how = options.add_argument_group("how")
    how.add_argument(
        "--weights", default="auto", help="auto, imagenet, random, or a folder or file (default auto)"
    )
    how.add_argument("--precision", default="auto", choices=PRECISIONS, help="default auto, by the device")
    how.add_argument("--xla", action="store_true", help="compile steps with XLA (GPU)")
    how.add_argument(
        "--workers", type=int, metavar="N", help="runs at the same time (default by the machine)"
    )
    how.add_argument("--retry-failed", action="store_true", help="run failed runs again")
    how.add_argument("--fresh", action="store_true", help="run everything chosen again")
    how.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="default outputs")
    again = options.add_argument_group(
        "scored again", "added to finished runs from their saved models, without training"
    )
    again.add_argument(
        "--tta", type=int, metavar="K", help="test films in K random views each, as in training"
    )
    again.add_argument("--mc-dropout", type=int, metavar="K", help="test films under K draws of dropout")
    look = options.add_argument_group("look only")
    look.add_argument("--list", action="store_true", help="show the recipes and stop")
    look.add_argument("--dry-run", action="store_true", help="show what would be run and stop")
    return options
