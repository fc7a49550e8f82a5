"""Measure the AUC that a frozen phase loses when it cycles a few augmented views.

The first phase of the two-phase recipes is trained on MobileNetV2 with 1, 2, 4, 8 and unlimited views per
film, and evaluated on the validation films. The test films are not used.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import CommandLine, at_least, ends_with_its_reader, report_usage_error
from pneumo_tf.errors import UserError


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        # Imported here: --help and errors in options need no TensorFlow.
        from benchmarks.views.study import measure_views, views_table

        print(views_table(measure_views(options)))
    except UserError as error:
        return report_usage_error(error)
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine(
        "views",
        __doc__,
        ["--data data/chest_xray --films 3000", "--data data/chest_xray --weights weights --seeds 3"],
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="folder of real films")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="folder of the ImageNet weights")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs"),
        metavar="DIR",
        help="folder for the cache of decoded films and features (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        type=at_least(32),
        default=128,
        metavar="PX",
        help="side of the films (default: %(default)s)",
    )
    parser.add_argument(
        "--films", type=at_least(40), metavar="N", help="number of training films (default: all)"
    )
    parser.add_argument(
        "--seeds",
        type=at_least(2),
        default=5,
        metavar="N",
        help="trainings for each number of views, at least 2 (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
