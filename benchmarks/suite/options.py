"""Options of `python -m benchmarks.run_all`."""

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command_line import CommandLine, add_films, at_least, one_of
from benchmarks.recipes import RECIPES
from benchmarks.suite.suites import SUITES
from pneumo_tf.costs.hardware import PRECISIONS
from pneumo_tf.data.protocols.registry import PROTOCOLS

XLA = ("auto", "on", "off")
PROFILES = ("auto", "full", "quick")
EXPLAIN = ("missing", "all")

EXAMPLES = (
    "",
    "--only 'resnet*,baseline_cnn' --dry-run",
    "--data ~/chest_xray --profile full --seeds 1 --out outputs/first",
)


@dataclass(frozen=True)
class Options:
    """Options of the command; `make_parser` describes each."""

    suite: str
    only: str | None
    data: str
    images: Path | None
    classes: dict[str, str] | None
    patient: re.Pattern[str] | None
    test: float | None
    task: str | None
    sizes: Path | None
    also: list[str]
    protocol: str
    profile: str
    seeds: int | None
    size: int | None
    films: int | None
    epochs: int | None
    views: float | None
    weights: str
    precision: str
    xla: str
    workers: int | None
    tta: int | None
    mc_dropout: int | None
    retry_failed: bool
    fresh: bool
    list: bool
    dry_run: bool
    explain_again: str | None
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


CHOICES = {
    **dict.fromkeys(PROTOCOLS, "a protocol is chosen with --protocol"),
    **dict.fromkeys(SUITES, "a suite is chosen with --suite"),
    **dict.fromkeys(RECIPES, "recipes are chosen with --only"),
}
"""Hint about the right option, by name of a protocol, suite or recipe."""


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        UserError: For an unknown option or a value out of range.
    """
    return Options(**vars(make_parser().parse_args(arguments)))


def _views(text: str) -> float:
    if text == "all":
        return math.inf
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be all or a whole number of at least 1, not {text}")
    return int(text)


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine(
        "run_all",
        "Train a suite of recipes on chest films and write the leaderboard. Finished runs are not repeated. "
        "Not a medical device.",
        EXAMPLES,
        choices=CHOICES,
    )
    _add_selection(parser)
    _add_films(parser)
    _add_scale(parser)
    _add_training(parser)
    _add_scoring(parser)
    _add_previews(parser)
    return parser


def _add_selection(parser: CommandLine) -> None:
    group = parser.add_argument_group("recipes")
    group.add_argument(
        "--suite",
        default="core",
        type=one_of("suite", SUITES),
        metavar="NAME",
        help=f"{', '.join(SUITES)} (default: %(default)s)",
    )
    group.add_argument(
        "--only",
        metavar="RECIPES",
        help="recipes by name or pattern, with commas between, instead of a suite",
    )
    group.add_argument(
        "--protocol",
        default="official",
        type=one_of("protocol", PROTOCOLS),
        metavar="NAME",
        help=f"{', '.join(PROTOCOLS)} (default: %(default)s, the only one that ranks; docs/protocols.md)",
    )
    group.add_argument(
        "--seeds", type=at_least(1), metavar="N", help="trainings of each recipe (default: 3; quick: 1)"
    )


def _add_films(parser: CommandLine) -> None:
    group = parser.add_argument_group("films")
    add_films(group)
    group.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="FILMS",
        help="external films, as --data: finished runs are scored on them, without training; may be "
        "repeated (docs/external.md)",
    )


def _add_scale(parser: CommandLine) -> None:
    group = parser.add_argument_group("scale")
    group.add_argument(
        "--profile",
        default="auto",
        type=one_of("profile", PROFILES),
        metavar="NAME",
        help=f"{', '.join(PROFILES)}; auto: full for real films on a GPU, otherwise quick (default: auto)",
    )
    group.add_argument(
        "--size", type=at_least(32), metavar="PX", help="side of the films in pixels, for every recipe"
    )
    group.add_argument(
        "--films", type=at_least(40), metavar="N", help="number of training films; all test films are used"
    )
    group.add_argument(
        "--epochs", type=at_least(1), metavar="N", help="largest number of epochs in each phase"
    )
    group.add_argument(
        "--views",
        type=_views,
        metavar="N|all",
        help="augmented views of a film that a frozen backbone cycles over the epochs; all: new ones in each "
        "epoch (default: all; quick: 8)",
    )


def _add_training(parser: CommandLine) -> None:
    group = parser.add_argument_group("training")
    group.add_argument(
        "--weights",
        default="auto",
        help="initial weights: auto, imagenet, random, or a folder or file (default: %(default)s)",
    )
    group.add_argument(
        "--precision",
        default="auto",
        type=one_of("precision", PRECISIONS),
        metavar="NAME",
        help=f"{', '.join(PRECISIONS)} (default: %(default)s, by the device)",
    )
    group.add_argument(
        "--xla",
        default="auto",
        type=one_of("choice", XLA),
        metavar="NAME",
        help=f"compile whole batches with XLA: {', '.join(XLA)}; auto: on a GPU (default: %(default)s)",
    )
    group.add_argument(
        "--workers",
        type=at_least(1),
        metavar="N",
        help="number of runs at the same time (default: depends on the machine)",
    )
    group.add_argument("--retry-failed", action="store_true", help="run failed runs again")
    group.add_argument("--fresh", action="store_true", help="run all chosen runs again, finished ones too")
    group.add_argument(
        "--out",
        type=Path,
        default=Path("outputs"),
        metavar="DIR",
        help="folder for runs and report (default: %(default)s)",
    )


def _add_scoring(parser: CommandLine) -> None:
    group = parser.add_argument_group(
        "additions", "added to finished runs from their saved models, without training"
    )
    group.add_argument(
        "--tta",
        type=at_least(2),
        metavar="K",
        help="test-time augmentation: score K augmented views of each test film",
    )
    group.add_argument(
        "--mc-dropout",
        type=at_least(2),
        metavar="K",
        help="Monte-Carlo dropout: score each test film under K dropout masks",
    )
    group.add_argument(
        "--explain-again",
        nargs="?",
        const="missing",
        type=one_of("choice", EXPLAIN),
        metavar="WHICH",
        help="explain runs that lack explanations; with all, explain every run again",
    )


def _add_previews(parser: CommandLine) -> None:
    group = parser.add_argument_group("previews")
    group.add_argument("--list", action="store_true", help="list the recipes, and stop")
    group.add_argument("--dry-run", action="store_true", help="show which runs would be started, and stop")
