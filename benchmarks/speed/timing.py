"""Timing of alternatives in turns: the first round warms up, and medians are compared."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], float]


def time_in_turns(
    alternatives: Sequence[Callable[[], float | None]], repeat: int, clock: Clock = time.perf_counter
) -> list[tuple[float, ...]]:
    """Time alternatives in turns, A B A B …, so that a temporary slowdown of the machine affects all of them.

    Args:
        alternatives: Functions that do their work once per call. One that has to prepare returns its seconds
            without the preparation; the others return None.
        repeat: Turns that count, after a warm-up round.
        clock: Function that returns seconds.

    Returns:
        Seconds of the `repeat` turns of each alternative.
    """
    turns: list[list[float]] = [[] for _ in alternatives]
    for counts in range(repeat + 1):
        for alternative, seconds in zip(alternatives, turns, strict=True):
            started = clock()
            taken = alternative()
            seconds.append(clock() - started if taken is None else taken)
        if not counts:
            turns = [[] for _ in alternatives]
    return [tuple(seconds) for seconds in turns]


@dataclass(frozen=True)
class Line:
    """One line of the table: a figure, and what it is compared with.

    Args:
        what: What was measured, in a few words.
        unit: `"films/s"`, where higher is better; `"s"` or `"MB"`, where lower is better.
        ours: Value of every turn.
        theirs: Values of the alternative, as many as ours, measured in alternation; empty if there is none.
        at_least: Lowest ratio that meets the target; above 1, ours is better.
        at_most: Highest value of ours that meets the target, if there is no alternative.
        note: How it was measured, in one sentence; if `ours` is empty, the reason.
    """

    what: str
    unit: str = "films/s"
    ours: tuple[float, ...] = ()
    theirs: tuple[float, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ratio of each pair, above 1 if ours is better."""
        pairs = zip(self.ours, self.theirs, strict=True) if self.theirs else ()
        return tuple(a / b if self.unit.endswith("/s") else b / a for a, b in pairs)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without a target or a figure."""
        if not self.ours:
            return None
        if self.at_least is not None:
            return statistics.median(self.ratios) >= self.at_least
        return None if self.at_most is None else statistics.median(self.ours) <= self.at_most

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON-ready values, with the medians that the table shows."""
        shown = {"ours": self.ours, "theirs": self.theirs, "ratio": self.ratios}
        medians = {name: statistics.median(values) for name, values in shown.items() if values}
        return dataclasses.asdict(self) | {"ratios": self.ratios, "median": medians, "met": self.met}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Line":
        """Rebuild a line from `to_dict`, also after it was stored as JSON."""
        known = {item.name: values[item.name] for item in dataclasses.fields(cls)}
        return cls(**known | {name: tuple(values[name]) for name in ("ours", "theirs")})


def films_per_second(films: int, seconds: Sequence[float]) -> tuple[float, ...]:
    """Return the rate of each turn, all of the same number of films."""
    return tuple(films / each for each in seconds)
