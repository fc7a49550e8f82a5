"""The steps of `python -m benchmarks.doctor`, most important first; a new step is one entry."""

from typing import NamedTuple

from pneumo_tf.errors import UserError, unknown

LIMIT_ON_GPU, LIMIT_ON_CPU = 480.0, 60.0
"""Seconds that all steps together may take."""


class Step(NamedTuple):
    """One check of the machine.

    Args:
        title: Its name in tables.
        function: `"package.module:function"`, a `Measure`; it is imported in the step's own process.
        on_gpu: Its share of `LIMIT_ON_GPU`, seconds. Time that earlier steps did not use is added.
        on_cpu: Its share of `LIMIT_ON_CPU`; None if the step needs a GPU.
    """

    title: str
    function: str
    on_gpu: float
    on_cpu: float | None

    def share(self, *, gpu: bool) -> float:
        """Seconds reserved for the step; 0 if it is skipped."""
        return self.on_gpu if gpu else self.on_cpu or 0.0


def _step(title: str, module: str, on_gpu: float, on_cpu: float | None, function: str = "measure") -> Step:
    return Step(title, f"benchmarks.doctor.steps.{module}:{function}", on_gpu, on_cpu)


STEPS: dict[str, Step] = {
    "machine": _step("Driver, cards and versions", "machine", 5, 2),
    "disk": _step("Disk", "disk", 5, 2),
    "weights": _step("Initial weights", "weights", 10, 4),
    "probe": _step("TensorFlow on the device", "probe", 30, 9),
    "tiny_run": _step("A tiny run, end to end", "tiny_run", 75, 20),
    "training_step": _step("Training step of each backbone", "training_step", 85, 11),
    "training_step_xla": _step("Training step with XLA", "training_step", 90, None, "measure_xla"),
    "full_card": _step("Errors on a full card", "full_card", 40, None),
    "depthwise": _step("Depthwise convolutions", "depthwise", 25, None),
    "feeding": _step("Training fed by the pipeline", "feeding", 40, None),
    "agreement": _step("Agreement between devices and modes", "agreement", 45, 12),
    "explaining": _step("Explanations on a full card", "explaining", 30, None),
}
"""Steps by name."""


def choose_steps(only: str | None) -> dict[str, Step]:
    """Return the steps that were named, in the order of `STEPS`.

    Args:
        only: Names with commas between; None for all steps.

    Raises:
        UserError: If a name is unknown, or no step is named.
    """
    if only is None:
        return dict(STEPS)
    names = [part.strip() for part in only.split(",") if part.strip()]
    for name in names:
        if name not in STEPS:
            raise unknown("step", name, STEPS)
    if not names:
        raise UserError(f"--only names no step; known: {', '.join(STEPS)}")
    return {name: step for name, step in STEPS.items() if name in names}
