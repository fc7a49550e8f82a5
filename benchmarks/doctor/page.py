"""Write the tables of `docs/doctor.md` from stored examinations."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import CommandLine, ends_with_its_reader, report_usage_error
from benchmarks.doctor.examination import Examination
from benchmarks.doctor.registry import STEPS
from benchmarks.doctor.tables import describe_examination
from benchmarks.page_part import write_part
from pneumo_tf.errors import UserError

PAGE, EXAMINATIONS = Path("docs/doctor.md"), Path("docs/doctor")


def write_page(page: Path, folder: Path) -> int:
    """Replace the text between the marks of a page.

    Args:
        page: Page with the marks `<!-- examinations: … -->` and `<!-- /examinations -->`.
        folder: Folder of files that `python -m benchmarks.doctor --out` wrote, one for each machine.

    Returns:
        Number of machines.

    Raises:
        UserError: If the page has no such marks, or a file is not an examination.
    """
    found = [_read(file) for file in sorted(folder.glob("*.json"))]
    sections = [describe_steps_not_run_on_gpu(found)]
    sections += [f"### {one.machine['device']}\n\n{describe_examination(one)}".rstrip() for one in found]
    write_part(page, "examinations", "\n\n".join(sections))
    return len(found)


def describe_steps_not_run_on_gpu(examinations: Sequence[Examination]) -> str:
    """Return a sentence that names the steps that no examination ran on a GPU."""
    run = {
        name
        for examination in examinations
        if examination.gpu
        for name, outcome in examination.outcomes.items()
        if outcome.state != "skipped"
    }
    missing = [name for name in STEPS if name not in run]
    if not missing:
        return "Every step was run on a GPU."
    return f"**Never run on a GPU so far: {', '.join(missing)}.**"


def _read(file: Path) -> Examination:
    try:
        return Examination.from_dict(json.loads(file.read_text("utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} was not written by benchmarks.doctor: {error}; examine the machine again"
        ) from error


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    try:
        options = make_parser().parse_args(arguments)
        count = write_page(options.page, options.examinations)
    except (UserError, OSError) as error:
        return report_usage_error(error)
    print(f"examinations of {count} machine(s) written to {options.page}")
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine("doctor.page", __doc__, ["", "--page docs/doctor.md --examinations docs/doctor"])
    parser.add_argument(
        "--page",
        type=Path,
        default=PAGE,
        metavar="FILE",
        help="page with marks around its tables (default: %(default)s)",
    )
    parser.add_argument(
        "--examinations",
        type=Path,
        default=EXAMINATIONS,
        metavar="DIR",
        help="folder of stored examinations, one file for each machine (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
