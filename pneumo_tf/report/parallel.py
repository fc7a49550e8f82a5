"""Parallel work on a board, in processes forked from the one that has read it."""

import gc
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from threadpoolctl import threadpool_limits

from pneumo_tf.errors import UserError
from pneumo_tf.failures import FAILURES
from pneumo_tf.report.board import Board, Row

Item = TypeVar("Item")
Result = TypeVar("Result")


def forked_map(function: Callable[[Item], Result], items: Sequence[Item], processes: int) -> list[Result]:
    """Call a function with each item, several at a time.

    Forked processes share this one's memory, so only results are pickled, not the function and the items.

    Args:
        function: Function whose calls do not depend on one another.
        items: Items, one call each; the next one goes to the first free process.
        processes: Number of calls at a time; with 1, or for a single item, calls are made in this process.

    Returns:
        Results in the order of the items.

    Raises:
        UserError: If the system killed a process, most likely for lack of memory.
        Exception: The error of the first item that failed, in the order of the items.
    """
    processes = min(processes, len(items))
    if processes <= 1:
        return list(map(function, items))
    results: dict[int, Result] = {}
    errors: dict[int, Exception] = {}
    with _forked(function, items, processes) as workers:
        while workers:
            for connection in wait(list(workers)):
                try:
                    index, result, error = connection.recv()
                except EOFError:
                    _check_exit(workers.pop(connection))
                    continue
                results[index] = result
                if error is not None:
                    errors[index] = error
    if errors:
        raise errors[min(errors)]
    return [results[index] for index in range(len(items))]


@contextmanager
def _forked(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[dict[Connection, BaseProcess]]:
    """Start processes that work on the items, yield them by result connection, and end them on exit."""
    context = multiprocessing.get_context("fork")
    following = context.Value("i", 0)
    workers: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(processes):
            receiving, sending = context.Pipe(duplex=False)
            worker = context.Process(target=_work, args=(function, items, following, sending), daemon=True)
            worker.start()
            # Now only the worker has this end, so the other end reads EOF once the worker has ended.
            sending.close()
            workers[receiving] = worker
        yield workers
    finally:
        for worker in workers.values():
            worker.terminate()
            worker.join()


def _work(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    following: Synchronized,
    sending: Connection,
) -> None:
    """Process items until none is left or a call failed; send index, result and error of each."""
    # There is a process for every core, so further threads of NumPy would only wait.
    threadpool_limits(1)
    # Most objects belong to rows; collecting garbage among them would take a tenth of the time.
    gc.freeze()
    gc.disable()
    while (index := _next(following)) < len(items):
        result = error = None
        try:
            result = function(items[index])
        except Exception as raised:
            raised.add_note("".join(traceback.format_exception(raised)))
            error, following.value = raised, len(items)
        sending.send((index, result, error))
        gc.collect()


def _next(following: Synchronized) -> int:
    with following.get_lock():
        following.value += 1
        return following.value - 1


def _check_exit(worker: BaseProcess) -> None:
    worker.join()
    if worker.exitcode == -signal.SIGKILL:
        killed = FAILURES["killed"].sentence
        raise UserError(f"a process of the report was {killed}; free memory and start it again")
    if worker.exitcode:
        raise RuntimeError(f"a process of the report ended with status {worker.exitcode}")


def measure_board(board: Board, processes: int) -> Board:
    """Compute the metrics of every row of a board, which takes most of the time before anything is drawn.

    Args:
        board: As `read_boards` returns it.
        processes: Number of rows at a time.

    Returns:
        The board, whose rows have their metrics.
    """
    rows = [row for row in board.rows if row.runs]
    metrics = forked_map(Row.measure_metrics, rows, processes)
    known = {row.key: row_metrics for row, row_metrics in zip(rows, metrics, strict=True)}
    measured = replace(
        board, rows=tuple(replace(row, known_metrics=known.get(row.key)) for row in board.rows)
    )
    gc.freeze()
    return measured
