"""Features of films by a part of a network that does not move: computed once, shared on disk."""

import dataclasses
import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.costs.flops import forward_flops
from pneumo_tf.data.batches import TrainingFilms, training_batches
from pneumo_tf.data.row_cache import missing_rows, stored_rows
from pneumo_tf.recipe import Augment, Recipe
from pneumo_tf.run import HARNESS_VERSION
from pneumo_tf.training.step import Compiled

CHUNK = 64
"""Films computed at a time, where memory holds them."""

Told = Callable[[int, int], None]
View = tuple[int, int, int]


class Features:
    """What a network's lower part makes of films.

    The name of a file stands for all that its rows depend on: the pixels, the graph with its dtype policies,
    its weights, the draws of augmentation, how and on what kind of device they are computed, and the
    versions. So recipes, protocols and folds that agree in these share the file, and one that is found cannot
    be wrong.
    """

    def __init__(
        self,
        below: keras.Model,
        recipe: Recipe,
        films: TrainingFilms,
        folder: Path,
        *,
        xla: bool,
        chunk: int = CHUNK,
    ) -> None:
        """Prepares the computation.

        Args:
            below: Films to features, called as at inference.
            recipe: Its side and augmentation.
            films: All there are.
            folder: Where the files are.
            xla: Compile with XLA.
            chunk: Films computed at a time. Always as many: so a film's features do not depend on what else
                was missing.
        """
        self._xla, self._chunk = xla, chunk
        self.function = Compiled(
            lambda films: tf.cast(below(films, training=False), tf.float32),
            xla=xla,
            flops=forward_flops(below),
        )
        self._shape = tuple(below.output.shape[1:])
        self._recipe, self._films, self._folder = recipe, films, folder
        self._network = _digest_of_network(below)
        self._asked: dict[Path, np.ndarray] = {}
        self.needed = 0
        """Features asked for so far, each once."""
        self.computed = 0
        """Those of them that were not on the disk."""

    def missing_megabytes(self, seed: int, number: int) -> float:
        """Size of the features that a phase needs, the `number`th from 0, and that are not on the disk."""
        recipe, films = self._recipe, self._films
        views = {(seed, number, recipe.view(number, epoch)) for epoch in range(recipe.phases[number].epochs)}
        wanted = {self._path(view): films.train for view in views}
        plain = self._path(None)
        wanted[plain] = np.append(wanted.get(plain, films.validation), films.validation)
        missing = sum(len(missing_rows(path, rows)) for path, rows in wanted.items())
        return missing * math.prod(self._shape) * np.dtype(np.float32).itemsize / 1e6

    @property
    def free_megabytes(self) -> float:
        """Free space where the files are."""
        there = next(path for path in (self._folder, *self._folder.absolute().parents) if path.exists())
        return shutil.disk_usage(there).free / 1e6

    def of(
        self, wanted: np.ndarray, view: View | None = None, told: Told = lambda done, chunks: None
    ) -> np.ndarray:
        """Gives features, those that were computed before from the disk.

        Args:
            wanted: (k,) indices of the films whose features have to be valid.
            view: Seed, phase and epoch of the augmentation; None leaves films as they are.
            told: Called with chunks done and chunks to be done.

        Returns:
            (n, …) float32, a read-only memory map.

        Raises:
            UserError: Where the disk is full.
        """
        augment, chunk = self._augment(view), self._chunk
        recipe = dataclasses.replace(self._recipe, augment=augment, batch=chunk)
        pixels, labels = self._films.sources if augment.active else self._films.pixels, self._films.labels

        path = self._path(view)
        asked = self._asked.setdefault(path, np.zeros(len(pixels), bool))
        self.needed += np.count_nonzero(~asked[np.unique(wanted)])
        asked[wanted] = True

        def compute(missing: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            chunks = -(-len(missing) // chunk)
            batches = training_batches(recipe, pixels, missing, labels, *(view or ()))
            for number, (films, _) in enumerate(batches):
                rows = missing[number * chunk : (number + 1) * chunk]
                whole = tf.pad(films, [(0, chunk - len(rows)), (0, 0), (0, 0), (0, 0)])
                yield rows, self.function(whole).numpy()[: len(rows)]
                self.computed += len(rows)
                told(number + 1, chunks)

        return stored_rows(path, (len(pixels), *self._shape), np.float32, wanted, compute)

    def _augment(self, view: View | None) -> Augment:
        return Augment() if view is None else self._recipe.augment

    def _path(self, view: View | None) -> Path:
        films, augment = self._films, self._augment(view)
        made_of = (
            (films.content_of_sources, self._recipe.size, dataclasses.astuple(augment), view)
            if augment.active
            else films.content
        )
        gpu = bool(tf.config.list_physical_devices("GPU"))
        versions = HARNESS_VERSION, tf.__version__, keras.__version__, cv2.__version__
        parts = (made_of, self._network, gpu, self._xla, self._chunk, versions)
        return self._folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.npy"


def _digest_of_network(below: keras.Model) -> str:
    digest = hashlib.sha256(json.dumps(below.get_config(), sort_keys=True, default=str).encode())
    for value in below.get_weights():
        digest.update(np.ascontiguousarray(value))
    return digest.hexdigest()
