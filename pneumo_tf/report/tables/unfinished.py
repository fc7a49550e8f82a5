"""Runs that are not done: each is a line with its reason and what to do about it."""

from collections import defaultdict
from collections.abc import Sequence

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.run import RunFolder, RunSpec

OTHER_NAME = "its folder is not named after its id"
AGAIN = "start `python -m benchmarks.run_all` again"


def unfinished(board: Board) -> Table:
    """Every run of a board that gives no number, alike runs of one row on one line."""
    lines = []
    for row in board.rows:
        alike: dict[tuple[str, str], list[RunSpec]] = defaultdict(list)
        for folder, spec in zip(row.unfinished, row.unfinished_specs, strict=True):
            alike[state_and_reason(folder)].append(spec)
        for (state, reason), specs in sorted(alike.items(), key=lambda item: item[0]):
            shown = ", ".join(_seeds_and_folds(specs))
            lines.append(
                (row.name, row.protocol, shown, state, reason or "no reason given", remedy(state, reason))
            )
    return Table(("Recipe", "Protocol", "Seeds", "State", "Reason", "What to do"), lines, left=6)


def _seeds_and_folds(specs: Sequence[RunSpec]) -> list[str]:
    """Each seed, with the folds of it where there are folds."""
    folds: dict[int, set[int]] = defaultdict(set)
    for spec in specs:
        folds[spec.seed] |= set() if spec.fold is None else {spec.fold}
    return [
        f"{seed} (fold{'s' * (len(own) > 1)} {', '.join(map(str, sorted(own)))})" if own else str(seed)
        for seed, own in sorted(folds.items())
    ]


def state_and_reason(folder: RunFolder) -> tuple[str, str]:
    """State and reason of a run without a number; one that is done is set aside if its folder was renamed."""
    status = folder.status
    if status["state"] == "done":
        return "set aside", OTHER_NAME
    waiting = {"planned": "not started yet", "running": "not ended yet"}
    return status["state"], status.get("reason") or waiting.get(status["state"], "")


def remedy(state: str, reason: str) -> str:
    """What to do about a run that gives no number."""
    if state == "failed" and "memory" in reason.lower():
        return f"on a device with more memory, or with the quick profile, {AGAIN}"
    return {
        "failed": f"mend what the run's `log.txt` tells, then {AGAIN}",
        "set aside": f"give the folder its name back, or {AGAIN}",
        "running": f"wait; if its process is gone, {AGAIN}",
    }.get(state, f"{AGAIN}: it goes on where it stopped")


def missing_rows(board: Board) -> list[str]:
    """Rows without any number, with the reason of their first run."""
    return [f"{row.name} ({_reason(row)})" for row in board.rows if not row.runs]


def _reason(row: Row) -> str:
    state, reason = state_and_reason(row.unfinished[0])
    return f"{state}: {reason}" if reason else state
