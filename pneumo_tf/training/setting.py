"""Setting of a training: everything that the recipe leaves open."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """How a recipe is run.

    Args:
        seed: Random seed of order, augmentation and dropout.
        precision: Keras dtype policy that the model was built under.
        pretrained: Whether the backbone starts from trained weights.
        micro_batches: Parts that a batch is cut into, 1 to 64, one number a phase; the last holds for later
            phases. Batches of evaluation and the films that batch norm is calibrated on are divided by the
            same number.
        xla: Compile with XLA.
        work: Folder for checkpoints.
        rank_by: Criterion of the best epoch: validation `"auc"` or `"accuracy"`.
        features: Folder of cached features; None computes them in every step.
    """

    seed: int
    precision: str
    pretrained: bool
    micro_batches: tuple[int, ...]
    xla: bool
    work: Path
    rank_by: str = "auc"
    features: Path | None = None


def parts_of(micro_batches: Sequence[int], phase: int) -> int:
    """Return the parts of a phase, counted from 0; the last number holds for later phases."""
    return micro_batches[min(phase, len(micro_batches) - 1)]
