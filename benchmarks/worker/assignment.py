"""What an engine and a worker say to each other: the assignment, and events on the way."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO


@dataclass(frozen=True)
class Assignment:
    """What a worker is told beside the run's own spec; nothing here changes a result.

    Args:
        data: Root that film ids are relative to.
        cache: Folder of decoded films and features.
        weights: File of initial weights, "" for random ones.
        device: Name for the record, such as `"CPU, 1 thread"`.
        threads: CPU threads.
        gpu: Whether a GPU has to be there.
        notes: What was said of the run when it was planned.
        sent: When it was made, by the clock `time.monotonic` that all processes of a machine share.
        conditions: To score the finished run under; none to train it.
    """

    data: str
    cache: str
    weights: str
    device: str
    threads: int
    gpu: bool
    notes: tuple[str, ...] = ()
    sent: float = field(default_factory=time.monotonic)
    conditions: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Assignment":
        """Reads `to_json`."""
        values = json.loads(text)
        return cls(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )


class Tell:
    """Writes events as JSON lines; the engine may be gone, and that is not the run's failure."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: str, **values: Any) -> None:
        """Tells one event."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._stream.write(json.dumps({"event": event, **values}) + "\n")
            self._stream.flush()


class Clock:
    """Seconds that each stage took, told as they begin."""

    def __init__(self, tell: Tell, since: float) -> None:
        """Begins to count.

        Args:
            tell: Takes the names of the stages.
            since: When the run was assigned, by `time.monotonic`.
        """
        self.seconds: dict[str, float] = {"start": time.monotonic() - since}
        self._tell = tell

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage; a stage that is done twice counts twice, one that fails until it does."""
        self._tell("stage", name=name)
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
