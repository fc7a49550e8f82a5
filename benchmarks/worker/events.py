"""Events that a worker sends to its engine: stages, progress and notes, as JSON lines."""

import contextlib
import json
import time
from collections.abc import Iterator
from time import perf_counter
from typing import Any, TextIO

import numpy as np

from pneumo_tf.recipe import Recipe

STEP_EVENT_SECONDS = 0.5
"""Least time between two events of training steps."""


class Events:
    """Sender of events; a run continues if its engine has ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: str, **values: Any) -> None:
        """Send one event with its JSON-ready values."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._stream.write(json.dumps({"event": event, **values}) + "\n")
            self._stream.flush()


class Clock:
    """Stopwatch of a run's stages; the start of each stage is sent as an event."""

    def __init__(self, send: Events, since: float) -> None:
        """Start counting.

        Args:
            send: Sender of events.
            since: Time of the assignment by `time.monotonic`.
        """
        self.seconds: dict[str, float] = {"start": time.monotonic() - since}
        self._send = send

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, even if it fails; the times of a repeated stage add up."""
        self._send("stage", name=name)
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


class TrainingProgress:
    """Sender of training progress, at most a few times a second."""

    def __init__(self, send: Events, recipe: Recipe) -> None:
        self._send, self._sent_at = send, 0.0
        self._epochs_before = np.cumsum([0, *(phase.epochs for phase in recipe.phases)])

    def step(self, phase: int, epoch: int, step: int, steps: int) -> None:
        """Send the share of the training that is done, before a step."""
        if perf_counter() - self._sent_at <= STEP_EVENT_SECONDS:
            return
        finished, epochs = int(self._epochs_before[phase]) + epoch, int(self._epochs_before[-1])
        self._send("step", epoch=finished + 1, epochs=epochs, done=(finished + step / steps) / epochs)
        self._sent_at = perf_counter()

    def epoch(self, row: dict[str, float]) -> None:
        """Send the row of a finished epoch."""
        self._send("epoch", **row)
