"""Train a suite of recipes on chest films and write the leaderboard."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.command_line import ends_with_its_reader, report_usage_error
from pneumo_tf.errors import UserError
from pneumo_tf.file_lock import lock_file

EXIT_FAILED_RUNS, EXIT_INTERRUPTED = 1, 130


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, by default that of this process.

    Returns:
        0; 1 if a run failed or lacks requested results; 2 for a usage error; 130 after Ctrl-C.
    """
    try:
        # Imported here, so that an error in a recipe is reported in one line too.
        from benchmarks.suite.options import parse

        options = parse(sys.argv[1:] if arguments is None else arguments)
        if options.list:
            return show_recipes()
        from benchmarks.suite.run import run_suite

        with contextlib.nullcontext() if options.dry_run else _only_one(options.out):
            return EXIT_FAILED_RUNS if run_suite(options) else 0
    except UserError as error:
        return report_usage_error(error)
    except KeyboardInterrupt:
        print("\nstopped; the same command without --fresh continues from here", file=sys.stderr)
        return EXIT_INTERRUPTED


def show_recipes() -> int:
    """Print every recipe with the suites that include it."""
    from benchmarks.recipes import RECIPES
    from benchmarks.suite.suites import SUITES

    width = max(map(len, RECIPES))
    family = None
    for recipe in RECIPES.values():
        if recipe.family != family:
            family = recipe.family
            print(f"\n{family}")
        suites = ", ".join(
            name for name, members in SUITES.items() if recipe.name in members and name != "all"
        )
        print(f"  {recipe.name:{width}}  {recipe.source}{f'  [{suites}]' if suites else ''}")
    return 0


@contextlib.contextmanager
def _only_one(out: Path) -> Iterator[None]:
    """Keep a second run_all out of the same folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    with lock:
        try:
            locked = lock_file(lock, wait=False)
        except BlockingIOError:
            raise UserError(
                f"another run_all is working in {out}; wait for it, or choose another --out"
            ) from None
        if not locked:
            print(f"{out} is on a file system without locks: start no second run_all in it")
        yield


if __name__ == "__main__":
    sys.exit(main())
