"""Meter of a training: seconds in stages, waiting for batches and in first calls, and operations."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pneumo_tf.training.feed import Batch
from pneumo_tf.training.step import Compiled


class Stopwatch:
    """Seconds that a `with` block took; known after the block."""

    seconds: float

    def __enter__(self) -> "Stopwatch":
        self._started = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self._started


@dataclass
class Meter:
    """Totals over a training; they are part of its checkpoint.

    Args:
        waited: Seconds in which the loop had no batch.
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
        """Time the training steps of an epoch and add up what `functions`, which they call, report."""
        traced, computed = _trace_seconds(functions), _flops(functions)
        with Stopwatch() as watch:
            yield watch
        self.traced_steps += _trace_seconds(functions) - traced
        after = _flops(functions)
        self.flops = None if None in (self.flops, computed, after) else self.flops + after - computed

    @contextmanager
    def measure_validation(self, functions: Sequence[Compiled]) -> Iterator[Stopwatch]:
        """Time a validation and add up the first calls of `functions`."""
        traced = _trace_seconds(functions)
        with Stopwatch() as watch:
            yield watch
        self.traced_predictions += _trace_seconds(functions) - traced

    def measure_waiting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Pass batches on and time how long each was awaited."""
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
        """Share of the training seconds, without first calls, in which the loop had no batch."""
        return self.waited / (training_seconds - self.traced_steps)

    def flops_per_second(self, training_seconds: float) -> float | None:
        """Operations of the training steps over the training seconds without first calls."""
        return None if self.flops is None else self.flops / (training_seconds - self.traced_steps)


def _trace_seconds(functions: Sequence[Compiled]) -> float:
    return sum(function.trace_seconds for function in functions)


def _flops(functions: Sequence[Compiled]) -> float | None:
    totals = [function.flops for function in functions]
    return None if None in totals else sum(totals)
