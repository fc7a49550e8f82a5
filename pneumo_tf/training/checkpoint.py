"""Where a run stood at the end of an epoch, so that a killed run goes on from there."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np


@dataclass
class Progress:
    """How far training came.

    Args:
        phase: Index of the phase under way.
        epoch: Epochs of it that are done.
        history: One row per epoch so far, over all phases.
        best: Weights of the best epoch so far, None before the first.
        best_rank: What made it the best: validation AUC or accuracy, then the lower validation loss.
        best_epoch: Its number in `history`, from 1.
        stale: Epochs of this phase since its best.
        waited: Seconds so far in which the loop had no batch.
        traced_steps: Seconds so far in first calls of training steps.
        traced_predictions: Seconds so far in first calls of prediction.
        flops: Operations so far of training steps.
    """

    phase: int = 0
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: list[np.ndarray] | None = None
    best_rank: tuple[float, float] = (-np.inf, -np.inf)
    best_epoch: int = 0
    stale: int = 0
    waited: float = 0.0
    traced_steps: float = 0.0
    traced_predictions: float = 0.0
    flops: float = 0.0


class Checkpoint:
    """The last checkpoint of a run, in its `work/` folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.npz"

    def save(self, progress: Progress, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        """Replaces the checkpoint, at the end of an epoch."""
        arrays = {f"model_{i}": value for i, value in enumerate(model.get_weights())}
        arrays |= {f"optimizer_{i}": value.numpy() for i, value in enumerate(optimizer.variables)}
        arrays |= {f"best_{i}": value for i, value in enumerate(progress.best or [])}
        state = {name: value for name, value in vars(progress).items() if name != "best"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name("saving.npz")
        np.savez(temporary, state=json.dumps(state), **arrays)
        temporary.replace(self.path)

    def load(self) -> tuple[Progress, dict[str, list[np.ndarray]]] | None:
        """Reads the checkpoint.

        Returns:
            Where training stood, and the arrays of `"model"` and `"optimizer"`; None without a checkpoint.
        """
        if not self.path.exists():
            return None
        with np.load(self.path) as stored:
            state: dict[str, Any] = json.loads(str(stored["state"]))
            arrays = {kind: _numbered(stored, kind) for kind in ("model", "optimizer", "best")}
        progress = Progress(**state | {"best_rank": tuple(state["best_rank"])})
        progress.best = arrays.pop("best") or None
        return progress, arrays


def _numbered(stored: Any, kind: str) -> list[np.ndarray]:
    count = sum(name.startswith(f"{kind}_") for name in stored.files)
    return [stored[f"{kind}_{i}"] for i in range(count)]
