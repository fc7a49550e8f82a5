"""Assignment of a worker: what an engine passes to it in addition to the run's spec."""

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Literal

Task = Literal["run", "score", "explain", "localise"]
"""`"run"` makes the run; the others add to a finished one: predictions, explanations, or external maps."""


@dataclass(frozen=True)
class Assignment:
    """Task, device and files of a worker; nothing here changes a result.

    Args:
        data: Root folder of the films.
        cache: Folder of decoded films and features.
        weights: File of initial weights, "" for random ones.
        device: Name of the device on the board, such as `"CPU, 1 thread"`.
        threads: CPU threads.
        gpu: Whether a GPU is required.
        notes: Notes of the plan, for the board.
        sent: Time of the assignment by `time.monotonic`, which is the same clock in all processes.
        task: Task of the worker.
        variants: Names of the scoring variants that `score` adds.
        external: Root of each external set for `score` and `localise`, by fingerprint.
    """

    data: str
    cache: str
    weights: str
    device: str
    threads: int
    gpu: bool
    notes: tuple[str, ...] = ()
    sent: float = field(default_factory=time.monotonic)
    task: Task = "run"
    variants: tuple[str, ...] = ()
    external: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the assignment as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Assignment":
        """Rebuild an assignment from `to_json`."""
        values = json.loads(text)
        return cls(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )
