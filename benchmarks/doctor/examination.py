"""An examination of a machine: every step in turn, within one time limit; stored as JSON."""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.child_modules import module_variables
from benchmarks.doctor.outcome import Outcome
from benchmarks.doctor.registry import Step
from benchmarks.doctor.step_input import StepInput
from benchmarks.doctor.step_process import run_step
from pneumo_tf.costs.hardware import Gpu, device_variables

FORMAT = 1
"""Version of the JSON file."""

NEEDS_GPU = Outcome("skipped", "needs a GPU")


@dataclass(frozen=True)
class Examination:
    """Result of an examination.

    Args:
        machine: As `benchmarks.speed.machine.describe_machine` returns it.
        gpu: Whether the steps ran on a GPU.
        patience: Factor on the time limits of the steps.
        outcomes: Outcomes by name of the step.
    """

    machine: Mapping[str, Any]
    gpu: bool
    patience: float
    outcomes: Mapping[str, Outcome]

    def to_dict(self) -> dict[str, Any]:
        """The examination as JSON-ready values; `steps` holds `Outcome.to_dict` by name of the step."""
        steps = {name: outcome.to_dict() for name, outcome in self.outcomes.items()}
        about = {"machine": dict(self.machine), "gpu": self.gpu, "patience": self.patience}
        return {"format": FORMAT, **about, "steps": steps}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Examination":
        """Rebuild an examination from `to_dict`, also after it was stored as JSON.

        Raises:
            ValueError: If it is of another format.
        """
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']}, not {FORMAT}")
        outcomes = {name: Outcome.from_dict(outcome) for name, outcome in values["steps"].items()}
        return cls(values["machine"], values["gpu"], values["patience"], outcomes)


def examine(
    steps: Mapping[str, Step], *, card: Gpu | None, patience: float, on_start: Callable[[str, Step], None]
) -> Iterable[tuple[str, Outcome]]:
    """Run steps one after the other.

    Args:
        steps: Steps by name, in order.
        card: The GPU that is examined; None skips steps that need one.
        patience: Factor on the time limits of the steps.
        on_start: Called before each step that is run.

    Yields:
        Name and outcome of each step, as soon as it has ended. A step may use its share of time and what
        earlier steps left over.
    """
    ends, gpu = time.monotonic(), card is not None
    # Deletes the files of a killed step too; its last workers may still write for a second.
    with tempfile.TemporaryDirectory(prefix="doctor-", ignore_cleanup_errors=True) as scratch:
        environment = {
            **os.environ,
            **module_variables(),
            **device_variables(card),
            "TMPDIR": scratch,
            "PYTHONUNBUFFERED": "1",
        }
        for name, step in steps.items():
            ends += patience * step.share(gpu=gpu)
            if not gpu and step.on_cpu is None:
                yield name, NEEDS_GPU
                continue
            on_start(name, step)
            yield name, run_step(step.function, StepInput(gpu, ends), environment)
