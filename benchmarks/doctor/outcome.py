"""How a step ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.doctor.step_input import Row

STATES = {
    "ok": "measured, nothing is wrong",
    "problem": "measured, and something is wrong",
    "failed": "raised an error, or its output cannot be read",
    "crashed": "its process was ended by a signal",
    "stopped": "its time was up; earlier measurements are kept",
    "skipped": "not run here",
}
"""States of a step, with their meaning."""

BAD_STATES = frozenset({"problem", "failed", "crashed", "stopped"})
"""States for which the command exits with status 1."""


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Args:
        state: Key of `STATES`.
        reason: Why it is not `"ok"`, one line.
        seconds: Duration of its process.
        rows: What it measured, in order.
        log: End of what it printed; empty if it is `"ok"`.
    """

    state: str
    reason: str = ""
    seconds: float = 0.0
    rows: tuple[Row, ...] = ()
    log: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON-ready values."""
        return asdict(self) | {"rows": list(self.rows)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Outcome":
        """Rebuild an outcome from `to_dict`, also after it was stored as JSON."""
        return cls(**{**values, "rows": tuple(values["rows"])})
