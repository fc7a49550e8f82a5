"""Checkpoint of a training at the end of an epoch, from which a killed run resumes."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pneumo_tf.training.meter import Meter

CHECKPOINT_SECONDS = 60.0
"""An epoch that ends sooner after the last checkpoint is not worth one."""


@dataclass
class Progress:
    """State of a training between two epochs, beside the weights.

    Args:
        phase: Index of the current phase.
        epoch: Finished epochs of the current phase.
        history: One row per finished epoch, over all phases.
        best: Weights of the best epoch so far, None before the first.
        best_rank: Rank of the best epoch: validation AUC or accuracy, then the lower validation loss.
        best_epoch: Number of the best epoch in `history`, from 1.
        stale: Epochs of the current phase since its best.
        micro_batches: Parts that batches are cut into.
        xla: Compiled with XLA.
        device: Kind of device that computes, `"CPU"` or `"GPU"`.
        notes: What a reader of the results must know, from all processes of the training.
    """

    phase: int = 0
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: list[np.ndarray] | None = None
    best_rank: tuple[float, float] = (-np.inf, -np.inf)
    best_epoch: int = 0
    stale: int = 0
    micro_batches: int = 1
    xla: bool = False
    device: str = "CPU"
    notes: list[str] = field(default_factory=list)

    @property
    def computation(self) -> str:
        """Device and compiler: dropout masks and rounding depend on them."""
        return f"on a {self.device} {'with' if self.xla else 'without'} XLA"

    def end_epoch(self, row: dict[str, float], rank_by: str) -> bool:
        """Record an epoch.

        Args:
            row: The epoch's row of the history.
            rank_by: Validation `"auc"` or `"accuracy"`.

        Returns:
            Whether it is the best so far.
        """
        self.epoch += 1
        self.history.append(row)
        rank = (row[f"validation_{rank_by}"], -row["validation_loss"])
        if rank <= self.best_rank:
            self.stale += 1
            return False
        self.best_rank, self.best_epoch, self.stale = rank, len(self.history), 0
        return True

    def end_phase(self) -> None:
        """Go on to the next phase."""
        self.phase, self.epoch, self.stale = self.phase + 1, 0, 0


class Checkpoint:
    """The last checkpoint of a run, in its `work/` folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.npz"
        self._saved = time.monotonic()

    def save_if_due(
        self, progress: Progress, meter: Meter, model: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> None:
        """Replace the checkpoint if `CHECKPOINT_SECONDS` have passed since the last one."""
        if time.monotonic() - self._saved <= CHECKPOINT_SECONDS:
            return
        arrays = {f"model_{i}": value for i, value in enumerate(model.get_weights())}
        arrays |= {f"optimizer_{i}": value.numpy() for i, value in enumerate(optimizer.variables)}
        arrays |= {f"best_{i}": value for i, value in enumerate(progress.best or [])}
        state = {name: value for name, value in vars(progress).items() if name != "best"} | vars(meter)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name("saving.npz")
        np.savez(temporary, state=json.dumps(state), **arrays)
        temporary.replace(self.path)
        self._saved = time.monotonic()

    def load(self) -> tuple[Progress, Meter, dict[str, list[np.ndarray]]] | None:
        """Read the checkpoint.

        Returns:
            Progress, meter, and the arrays of `"model"` and `"optimizer"`; None if there is no checkpoint.
        """
        if not self.path.exists():
            return None
        with np.load(self.path) as stored:
            progress, meter = _read_state(stored)
            arrays = {kind: _numbered(stored, kind) for kind in ("model", "optimizer", "best")}
        progress.best = arrays.pop("best") or None
        return progress, meter, arrays

    def stored_micro_batches(self, *, xla: bool, device: str) -> int:
        """Return the parts that a training must be continued with; 1 if there is nothing to continue.

        Args:
            xla: Compiled with XLA.
            device: Kind of device that computes.
        """
        if not self.path.exists():
            return 1
        with np.load(self.path) as stored:
            progress, _ = _read_state(stored)
        same = progress.computation == Progress(xla=xla, device=device).computation
        return progress.micro_batches if same else 1


def _read_state(stored: Any) -> tuple[Progress, Meter]:
    state: dict[str, Any] = json.loads(str(stored["state"]))
    meter = Meter(**{name: state.pop(name) for name in vars(Meter())})
    return Progress(**state | {"best_rank": tuple(state["best_rank"])}), meter


def _numbered(stored: Any, kind: str) -> list[np.ndarray]:
    count = sum(name.startswith(f"{kind}_") for name in stored.files)
    return [stored[f"{kind}_{i}"] for i in range(count)]
