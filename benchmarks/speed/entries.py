"""Rows of `python -m benchmarks.speed`, in their order; a new measurement is one entry."""

import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.speed.timing import Line
from pneumo_tf.errors import UserError, unknown

if TYPE_CHECKING:
    from benchmarks.speed.speed_setup import Setup


class Entry(NamedTuple):
    """One measurement.

    Args:
        title: What is measured, in a few words.
        function: `"package.module:function"`, imported only when it is measured, because it imports
            TensorFlow.
        gpu: Whether it needs a GPU.
    """

    title: str
    function: str
    gpu: bool = False

    def resolve(self) -> Callable[["Setup"], Iterator[Line]]:
        """Import the function: it takes the setup and yields each line as soon as it is measured."""
        module, name = self.function.split(":")
        return getattr(importlib.import_module(module), name)


ENTRIES = {
    "a": Entry("input pipeline", "benchmarks.speed.pipeline:measure"),
    "b": Entry("harness step against model.fit", "benchmarks.speed.step:measure"),
    "c": Entry("frozen phase, features cached", "benchmarks.speed.frozen:measure"),
    "d": Entry("Grad-CAM", "benchmarks.speed.grad_cam:measure"),
    "e": Entry("scoring with 2,000 replicates", "benchmarks.speed.scoring:measure"),
    "f": Entry("report over 1,000 runs", "benchmarks.speed.reporting:measure"),
    "g": Entry("growth of pipeline and report", "benchmarks.speed.growth:measure"),
    "h": Entry("backbones on a GPU", "benchmarks.speed.backbones:measure", gpu=True),
}


def choose_entries(only: str | None) -> list[str]:
    """Return the letters of the chosen rows, in the order of the table.

    Args:
        only: Letters with commas between, None for all.

    Raises:
        UserError: If a letter is unknown, or no row is named.
    """
    if only is None:
        return list(ENTRIES)
    letters = [part.strip() for part in only.split(",") if part.strip()]
    for letter in letters:
        if letter not in ENTRIES:
            raise unknown("row", letter, ENTRIES)
    if not letters:
        raise UserError(f"--only names no row; known: {', '.join(ENTRIES)}")
    return [letter for letter in ENTRIES if letter in letters]
