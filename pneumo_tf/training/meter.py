"""Measurement of a training: seconds of stages, of waiting and of first calls, and operations."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pneumo_tf.training.compiled import Compiled
from pneumo_tf.training.feed import Batch


class Stopwatch:
    """Context manager that measures the seconds of its block."""

    seconds: float

    def __enter__(self) -> "Stopwatch":
        self._started = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self._started


@dataclass
class Meter:
    """Totals over a training, stored in its checkpoints.

    Args:
        waited: Seconds in which the loop waited for a batch.
        traced_steps: Seconds in first calls of training steps.
        traced_predictions: Seconds in first calls of prediction.
        flops: Operations of training steps; None if a layer of the network cannot be counted.
    """

    waited: float = 0.0
    traced_steps: float = 0.0
    traced_predictions: float = 0.0
    flops: float | None = 0.0

    @contextmanager
    def measure_training(self, functions: Sequence[Compiled]) -> Iterator[Stopwatch]:
        """Time the training steps of an epoch, and add the first calls and operations of `functions`."""
        traced, computed = _trace_seconds(functions), _flops(functions)
        with Stopwatch() as watch:
            yield watch
        self.traced_steps += _trace_seconds(functions) - traced
        after = _flops(functions)
        self.flops = None if None in (self.flops, computed, after) else self.flops + after - computed

    @contextmanager
    def measure_validation(self, functions: Sequence[Compiled]) -> Iterator[Stopwatch]:
        """Time a validation, and add the first calls of `functions`."""
        traced = _trace_seconds(functions)
        with Stopwatch() as watch:
            yield watch
        self.traced_predictions += _trace_seconds(functions) - traced

    def measure_waiting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Iterate over batches, and add the time spent waiting for each."""
        iterator = iter(batches)
        while True:
            with Stopwatch() as watch:
                batch = next(iterator, None)
            self.waited += watch.seconds
            if batch is None:
                return
            yield batch

    @property
    def trace_seconds(self) -> float:
        """Seconds in first calls of all compiled functions."""
        return self.traced_steps + self.traced_predictions

    def wait_share(self, training_seconds: float) -> float:
        """Return the share of the training seconds without first calls in which the loop waited."""
        return self.waited / (training_seconds - self.traced_steps)

    def flops_per_second(self, training_seconds: float) -> float | None:
        """Return the operations per second of the training steps, without first calls."""
        return None if self.flops is None else self.flops / (training_seconds - self.traced_steps)


def _trace_seconds(functions: Sequence[Compiled]) -> float:
    return sum(function.trace_seconds for function in functions)


def _flops(functions: Sequence[Compiled]) -> float | None:
    totals = [function.flops for function in functions]
    return None if None in totals else sum(totals)
