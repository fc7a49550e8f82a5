"""Setting of a training: everything that the recipe does not define."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """Setting of a training.

    Args:
        seed: Random seed of order, augmentation and dropout.
        precision: Keras dtype policy with which the model was built.
        pretrained: Whether the backbone starts from trained weights.
        micro_batches: Number of micro-batches per batch, 1 to 64, for each phase; the last applies to later
            phases. Batches of evaluation, and the films for the calibration of batch norm, are divided by the
            same number.
        xla: Compile with XLA.
        work: Folder for checkpoints.
        rank_by: Criterion of the best epoch: validation `"auc"` or `"accuracy"`.
        features: Folder of cached features; None to pass films through frozen layers in every epoch.
        free_mb: Memory of the device that was free before training; None if unknown, or on a CPU.
    """

    seed: int
    precision: str
    pretrained: bool
    micro_batches: tuple[int, ...]
    xla: bool
    work: Path
    rank_by: str = "auc"
    features: Path | None = None
    free_mb: float | None = None


def micro_batches_of(micro_batches: Sequence[int], phase: int) -> int:
    """Return the micro-batches of a phase, counted from 0; the last number applies to later phases."""
    return micro_batches[min(phase, len(micro_batches) - 1)]
