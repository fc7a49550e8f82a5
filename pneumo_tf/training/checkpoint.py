"""Checkpoints of a training between epochs, from which a killed run resumes."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from pneumo_tf.stored_files import read_npz
from pneumo_tf.training.meter import Meter

CHECKPOINT_SECONDS = 60.0
"""Least seconds between two checkpoints."""


@dataclass
class Progress:
    """State of a training between two epochs, except the weights.

    Args:
        phase: Index of the current phase.
        epoch: Finished epochs of the current phase.
        history: One row per finished epoch, over all phases.
        best: Weights of the best epoch so far, None before the first.
        best_rank: Rank of the best epoch: validation AUC or accuracy, then the lower validation loss.
        best_epoch: Number of the best epoch in `history`, from 1.
        stale: Number of epochs of the current phase since the best one.
        micro_batches: Number of micro-batches of a batch, as in `Setting`.
        xla: Compiled with XLA.
        device: Kind of device that computes, `"CPU"` or `"GPU"`.
        notes: Notes for readers of the board, from all processes of the training.
    """

    phase: int = 0
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: list[np.ndarray] | None = None
    best_rank: tuple[float, float] = (-np.inf, -np.inf)
    best_epoch: int = 0
    stale: int = 0
    micro_batches: tuple[int, ...] = (1,)
    xla: bool = False
    device: str = "CPU"
    notes: list[str] = field(default_factory=list)

    @property
    def computation(self) -> str:
        """Device and compiler, on which dropout masks and rounding depend."""
        return f"on a {self.device} {'with' if self.xla else 'without'} XLA"

    def end_epoch(self, row: dict[str, float], rank_by: str) -> bool:
        """Record an epoch.

        Args:
            row: Row of the epoch in the history.
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
        """Continue with the next phase."""
        self.phase, self.epoch, self.stale = self.phase + 1, 0, 0


class Stored(NamedTuple):
    """Content of a checkpoint.

    Args:
        progress: State of the training.
        meter: Times and counts of the training.
        arrays: Arrays of `"model"` and `"optimizer"`; the latter is empty at the start of a phase.
    """

    progress: Progress
    meter: Meter
    arrays: dict[str, list[np.ndarray]]


class Checkpoint:
    """Checkpoints of a run in its `work/` folder: the last one, and one from the start of its phase."""

    def __init__(self, folder: Path) -> None:
        self.path, self.phase_path = folder / "checkpoint.npz", folder / "phase.npz"
        self._saved = time.monotonic()

    def save_if_due(
        self, progress: Progress, meter: Meter, model: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> None:
        """Replace the checkpoint if `CHECKPOINT_SECONDS` have passed since the last one."""
        if time.monotonic() - self._saved <= CHECKPOINT_SECONDS:
            return
        arrays = {"model": model.get_weights(), "optimizer": [value.numpy() for value in optimizer.variables]}
        _save(self.path, Stored(progress, meter, arrays))
        self._saved = time.monotonic()

    def save_phase_start(self, progress: Progress, meter: Meter, model: keras.Model) -> None:
        """Store the state at the start of a later phase, so that the phase can be repeated.

        It also replaces the last checkpoint, which belongs to the phase before.
        """
        stored = Stored(progress, meter, {"model": model.get_weights(), "optimizer": []})
        _save(self.path, stored)
        _save(self.phase_path, stored)

    def discard(self) -> None:
        """Remove the checkpoints of a training that will not be continued."""
        self.path.unlink(missing_ok=True)
        self.phase_path.unlink(missing_ok=True)

    @property
    def phase(self) -> int:
        """Index of the current phase."""
        stored = _load_state(self.phase_path)
        return stored[0].phase if stored else 0

    def restart_phase(self, micro_batches: tuple[int, ...]) -> None:
        """Return to the start of the current phase, with another number of micro-batches.

        Args:
            micro_batches: Number of micro-batches of a batch from then on.
        """
        self.path.unlink(missing_ok=True)
        if stored := _load(self.phase_path):
            stored.progress.micro_batches = micro_batches
            _save(self.path, stored)

    def load(self) -> Stored | None:
        """Read the last checkpoint, None if there is none."""
        return _load(self.path)

    def stored_micro_batches(self, *, xla: bool, device: str) -> tuple[int, ...] | None:
        """Return the micro-batches with which to continue a training; None if there is nothing to continue.

        Args:
            xla: Compiled with XLA.
            device: Kind of device that computes.
        """
        stored = _load_state(self.path)
        if stored is None or stored[0].computation != Progress(xla=xla, device=device).computation:
            return None
        return stored[0].micro_batches


def _save(path: Path, stored: Stored) -> None:
    progress, meter, arrays = stored
    named = {**arrays, "best": progress.best or []}
    flat = {f"{kind}_{i}": value for kind, values in named.items() for i, value in enumerate(values)}
    state = {name: value for name, value in vars(progress).items() if name != "best"} | vars(meter)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("saving.npz")
    np.savez(temporary, state=json.dumps(state), **flat)
    temporary.replace(path)


def _load(path: Path) -> Stored | None:
    if not path.exists():
        return None
    file = read_npz(path)
    progress, meter = _read_state(file)
    arrays = {kind: _numbered(file, kind) for kind in ("model", "optimizer", "best")}
    progress.best = arrays.pop("best") or None
    return Stored(progress, meter, arrays)


def _load_state(path: Path) -> tuple[Progress, Meter] | None:
    """Read a checkpoint without its arrays."""
    return _read_state(read_npz(path, names=("state",))) if path.exists() else None


def _read_state(stored: Mapping[str, np.ndarray]) -> tuple[Progress, Meter]:
    state: dict[str, Any] = json.loads(str(stored["state"]))
    meter = Meter(**{name: state.pop(name) for name in vars(Meter())})
    tuples = {name: tuple(state[name]) for name in ("best_rank", "micro_batches")}
    return Progress(**state | tuples), meter


def _numbered(stored: Mapping[str, np.ndarray], kind: str) -> list[np.ndarray]:
    count = sum(name.startswith(f"{kind}_") for name in stored)
    return [stored[f"{kind}_{i}"] for i in range(count)]
