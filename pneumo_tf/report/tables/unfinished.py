"""The table of unfinished runs, with the reason and what to do about it."""

from collections import defaultdict
from collections.abc import Sequence

from pneumo_tf.failures import FAILURES
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.run_spec import RunSpec

AGAIN = "start `python -m benchmarks.run_all` again"
REMEDIES = {
    "set aside": f"give the folder its name back or remove it, or {AGAIN}",
    "running": f"wait; if its process is gone, {AGAIN}",
}
"""What to do about a run that did not fail, by state."""


def unfinished(board: Board) -> Table:
    """Return a table of all unfinished runs of a board; runs of a row with the same reason share a line."""
    lines = []
    for row in board.rows:
        alike: dict[tuple[str, str, str], list[RunSpec]] = defaultdict(list)
        for run in row.unfinished:
            alike[run.state, run.reason, run.kind].append(run.spec)
        for (state, reason, kind), specs in sorted(alike.items(), key=lambda item: item[0]):
            shown = ", ".join(_seeds_and_folds(specs))
            given = reason or "no reason given"
            lines.append((row.name, row.protocol, shown, state, given, remedy(state, kind)))
    for name, reason in board.unread:
        lines.append((name, "not known", "", "damaged", reason, remedy("damaged", "damaged")))
    return Table(("Recipe", "Protocol", "Seeds", "State", "Reason", "What to do"), lines, left=6)


def _seeds_and_folds(specs: Sequence[RunSpec]) -> list[str]:
    """Return each seed as text, with its folds if there are folds."""
    folds: dict[int, set[int]] = defaultdict(set)
    for spec in specs:
        folds[spec.seed] |= set() if spec.fold is None else {spec.fold}
    return [_seed_and_folds(seed, sorted(own)) for seed, own in sorted(folds.items())]


def _seed_and_folds(seed: int, folds: Sequence[int]) -> str:
    if not folds:
        return str(seed)
    word = "fold" if len(folds) == 1 else "folds"
    return f"{seed} ({word} {', '.join(map(str, folds))})"


def remedy(state: str, kind: str) -> Markdown:
    """Return what to do about an unfinished run.

    Args:
        state: State of the run.
        kind: Key of `FAILURES`; "" or an unknown one for runs of earlier versions.
    """
    if state in ("failed", "damaged"):
        return Markdown(f"{FAILURES.get(kind, FAILURES['exception']).remedy}, then {AGAIN}")
    return Markdown(REMEDIES.get(state, f"{AGAIN}: it continues where it stopped"))


def missing_rows(board: Board) -> list[str]:
    """Return the names of rows without results, with the reason of their first run."""
    return [f"{row.label} ({_reason(row)})" for row in board.rows if not row.runs]


def _reason(row: Row) -> str:
    first = row.unfinished[0]
    return f"{first.state}: {first.reason}" if first.reason else first.state
