"""Setup of every measurement: films, a folder to write in, and the amount of work."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.models.registry import architecture
from pneumo_tf.models.weights_file import find

LARGE_RUNS = 10_000
"""Runs of the largest report, which is measured once: it takes minutes, and its memory hardly varies."""


@dataclass(frozen=True)
class Scale:
    """Amount of work in a turn: enough to be timed well, and all rows take less than ten minutes.

    Args:
        side: Pixels of the films, in (a), (d) and (g).
        epoch: Films of one turn through our pipeline; a smaller set is repeated.
        files: Films of one turn of an alternative that reads files.
        originals: Files of original size.
        layers: Films of one turn through stacked Keras layers.
        step_side: Pixels of the films, in (b) and (c).
        steps: Films of one turn of training.
        frozen: Training films of the frozen phase; a tenth as many are for validation.
        frozen_epochs: Epochs of the frozen phase.
        plain_epochs: Epochs of the frozen phase that are run without the cache, at least two.
        explained: Most films of one turn of Grad-CAM in a batch.
        explained_singly: Films of one turn of Grad-CAM, one at a time.
        scored: Films of each scored set.
        runs: Runs of the report in (f).
        growing_runs: Runs of each report in (g).
        growing_films: Films of each map in (g).
        backbone_batch: Largest batch in (h); halved until memory holds it.
        backbone_seconds: Approximate seconds of a turn in (h).
    """

    side: int = 224
    epoch: int = 2560
    files: int = 320
    originals: int = 160
    layers: int = 2048
    step_side: int = 128
    steps: int = 320
    frozen: int = 1280
    frozen_epochs: int = 30
    plain_epochs: int = 3
    explained: int = 32
    explained_singly: int = 4
    scored: tuple[int, ...] = (624, 5856)
    runs: int = 1000
    growing_runs: tuple[int, ...] = (100, 1000)
    growing_films: tuple[int, ...] = (512, 2048, 8192)
    backbone_batch: int = 512
    backbone_seconds: float = 0.5


@dataclass(frozen=True)
class Setup:
    """Inputs of a measurement.

    Args:
        dataset: The films.
        sized: Whether the film table has the sizes of the original images.
        scratch: Folder to write in.
        weights: Folder with initial weights; None for the cache of Keras.
        repeat: Turns of each alternative that count.
        scale: Amount of work in a turn.
        log: Function that shows a line to the user.
    """

    dataset: Dataset
    sized: bool
    scratch: Path
    weights: Path | None
    repeat: int
    scale: Scale
    log: Callable[[str], None]

    def pixels(self, side: int) -> np.ndarray:
        """Return all films, (n, side, side) uint8, as a memory map; they are decoded once."""
        return cached_pixels(self.dataset, self.scratch / "cache", side=side)

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels, (n,) int8: 0 normal, 1 pneumonia."""
        return self.dataset.films.labels

    def order(self, count: int) -> np.ndarray:
        """Return indices of films, (count,), in a random order, repeated if there are fewer films."""
        shuffled = np.random.default_rng(0).permutation(len(self.dataset.films))
        return np.resize(shuffled, count)

    def initial_weights(self, name: str) -> Path | None:
        """Return the file of initial weights; if it is missing, log that and return None."""
        weights = architecture(name).weights
        file = find(weights, self.weights) if weights else None
        if weights and file is None:
            self.log(f"random initial weights for {name}: {weights.file} is missing (--weights FOLDER)")
        return file
