"""What a step is given, and what it returns."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

Row = dict[str, Any]
"""One thing that was measured: JSON values by name. A `problem` is a sentence for the user."""


@dataclass(frozen=True)
class Situation:
    """What a step is given.

    Args:
        gpu: Whether to measure on the first GPU; False means the CPU.
        ends: When the step is stopped, by `time.monotonic`, which all processes of a machine share.
    """

    gpu: bool
    ends: float

    @property
    def seconds_left(self) -> float:
        """Seconds until the step is stopped."""
        return self.ends - time.monotonic()

    def to_json(self) -> str:
        """The situation as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Situation":
        """Rebuild a situation from `to_json`."""
        return cls(**json.loads(text))


Measure = Callable[[Situation], Iterator[Row]]
"""The work of a step: it yields each row as soon as it is measured."""
