"""Input and output of a step of the doctor."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

Row = dict[str, Any]
"""One measurement: JSON values by name. A `problem`, if there is one, is a message for the user."""


@dataclass(frozen=True)
class StepInput:
    """Device and time limit of a step.

    Args:
        gpu: Whether to measure on the first GPU; False means the CPU.
        ends: Time at which the step is stopped, on the clock of `time.monotonic`, which processes share.
    """

    gpu: bool
    ends: float

    @property
    def seconds_left(self) -> float:
        """Seconds until the step is stopped."""
        return self.ends - time.monotonic()

    def to_json(self) -> str:
        """Return the input as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "StepInput":
        """Rebuild an input from `to_json`."""
        return cls(**json.loads(text))


Measure = Callable[[StepInput], Iterator[Row]]
"""The work of a step: it yields each row as soon as it is measured."""
