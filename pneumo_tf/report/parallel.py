"""Work on a board by several processes, forked from the one that has read it."""

import dataclasses
import gc
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from pneumo_tf.errors import UserError
from pneumo_tf.report.board import Board, Row

Item = TypeVar("Item")
Result = TypeVar("Result")

# Most of the memory is what rows keep, and no garbage before the end: to look through it again and again
# would take a tenth of the time. So it is frozen, and a forked process looks for garbage after each call.

_given: list[Any] = []
"""In a forked process: the function, and the items that it is called with."""


def forked_map(function: Callable[[Item], Result], items: Sequence[Item], processes: int) -> list[Result]:
    """Calls a function with each item, several at a time.

    A forked process has what this one has in memory: neither function nor items are pickled, results are.

    Args:
        function: Must not need what another call changes.
        items: One call each.
        processes: How many calls at a time; 1 makes them here, as it makes a single one.

    Returns:
        Results in the order of the items.

    Raises:
        UserError: Where the system killed a process.
    """
    processes = min(processes, len(items))
    if processes <= 1:
        return list(map(function, items))
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(processes, context, _take, (function, items)) as forked:
            return list(forked.map(_call, range(len(items))))
    except BrokenProcessPool as error:
        raise UserError("the system killed a part of the report, most likely out of memory") from error


def _take(function: Callable, items: Sequence) -> None:
    # There is a process for every core: threads of NumPy's would only wait for one another.
    threadpool_limits(1)
    gc.freeze()
    gc.disable()
    _given[:] = [function, items]


def _call(index: int) -> Any:
    function, items = _given
    try:
        return function(items[index])
    finally:
        gc.collect()


def compute(board: Board, processes: int) -> None:
    """Reads and scores every row of a board, which is most of the time before anything is drawn.

    Args:
        board: Its rows keep what is computed, as if they had been asked themselves.
        processes: How many rows at a time.
    """
    rows = [row for row in board.rows if row.runs]
    for row, computed in zip(rows, forked_map(_computed, rows, processes), strict=True):
        vars(row).update(computed)
    gc.freeze()


def _computed(row: Row) -> dict[str, Any]:
    # A copy computes: the process would hold on to what its own row keeps, beside what it has handed over.
    copy = dataclasses.replace(row)
    names = ("test", "estimates", *(("validation", "validation_auc") if row.ranked else ()))
    return {name: getattr(copy, name) for name in names}
