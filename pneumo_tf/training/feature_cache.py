"""Cached features: the outputs of a frozen feature extractor, computed once and shared on disk."""

import dataclasses
import hashlib
import json
import math
import shutil
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.costs.flops import forward_flops
from pneumo_tf.data.batches import TrainingFilms, training_batches
from pneumo_tf.data.row_cache import Rows, gather_rows, missing_rows, stored_rows
from pneumo_tf.recipe import Augment, Recipe
from pneumo_tf.run_spec import HARNESS_VERSION
from pneumo_tf.training.compiled import Compiled
from pneumo_tf.training.memory import is_out_of_memory

CHUNK = 64
"""Number of films computed at a time; halved until they fit the device."""

MARKED_ROWS = 256
"""Features per write, which waits for the disk twice; a killed process loses at most this many."""

OnChunk = Callable[[int, int], None]
"""Callback with the number of finished chunks and of all chunks."""

View = tuple[int, int, int]
"""Seed, phase and epoch of an augmentation."""


class FeatureCache:
    """Features of a dataset's films on disk.

    The name of a file is a hash of everything that its rows depend on: pixels, graph with dtype policies,
    weights, augmentation and its random numbers, kind of device, compiler and versions. Recipes, protocols
    and folds that agree in these share a file, and no file is ever out of date.
    """

    def __init__(
        self,
        extractor: keras.Model,
        recipe: Recipe,
        films: TrainingFilms,
        folder: Path,
        *,
        xla: bool,
        on_note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare the computation.

        Films are computed in chunks of equal length, with padding in the last, because some networks round
        differently in batches of another size. So a film's features do not depend on which others were
        missing.

        Args:
            extractor: Model from films to features, called in inference mode.
            recipe: Recipe with film size and augmentation.
            films: The dataset.
            folder: Folder of the files.
            xla: Compile with XLA.
            on_note: Called with each note for readers of the board.
        """
        self._xla, self._chunk, self._on_note = xla, CHUNK, on_note
        self.function = Compiled(
            lambda films: tf.cast(extractor(films, training=False), tf.float32),
            xla=xla,
            flops=forward_flops(extractor),
        )
        self._shape = tuple(extractor.output.shape[1:])
        self._recipe, self._films, self._folder = recipe, films, folder
        self._network = _digest_network(extractor)
        self._requested: dict[Hashable, np.ndarray] = {}
        self.requested = 0
        """Number of features requested so far, each counted once."""
        self.computed = 0
        """Number of requested features that were not on disk."""

    def missing_megabytes(self, seed: int, number: int) -> float:
        """Return the size in MB of the features that a phase needs and that are not on disk.

        Args:
            seed: Seed of the training.
            number: Index of the phase in the recipe.
        """
        recipe, films = self._recipe, self._films
        views = {(seed, number, recipe.view(number, epoch)) for epoch in range(recipe.phases[number].epochs)}
        needed = {self._path(view): films.train for view in views}
        plain = self._path(None)
        needed[plain] = np.append(needed.get(plain, films.validation), films.validation)
        missing = sum(len(missing_rows(path, rows)) for path, rows in needed.items())
        return missing * math.prod(self._shape) * np.dtype(np.float32).itemsize / 1e6

    @property
    def free_megabytes(self) -> float:
        """Free space in MB on the disk of the files."""
        existing = next(path for path in (self._folder, *self._folder.absolute().parents) if path.exists())
        return shutil.disk_usage(existing).free / 1e6

    def features(
        self, rows: np.ndarray, view: View | None = None, on_chunk: OnChunk = lambda done, chunks: None
    ) -> np.ndarray:
        """Return features, reading those on disk and computing the others.

        Args:
            rows: (k,) indices of the films whose features are needed.
            view: Augmentation of the films; None for none.
            on_chunk: Called after each computed chunk.

        Returns:
            (n, …) float32 for the whole dataset, a read-only memory map; only the rows of `rows` are valid.

        Raises:
            UserError: If the disk is full.
            tensorflow.errors.OpError: If not even one film at a time fits the device.
        """
        computed = self.computed
        while True:
            try:
                return self._read_or_compute(rows, view, on_chunk)
            except tf.errors.OpError as error:
                if self._chunk == 1 or not is_out_of_memory(error):
                    raise
            self.computed = computed
            self._chunk //= 2
            self._on_note(f"features computed {self._chunk} films at a time: the device ran out of memory")

    def _read_or_compute(self, rows: np.ndarray, view: View | None, on_chunk: OnChunk) -> np.ndarray:
        augment, chunk = self._augment(view), self._chunk
        recipe = dataclasses.replace(self._recipe, augment=augment, batch=chunk)
        pixels, labels = self._films.sources if augment.active else self._films.pixels, self._films.labels

        requested = self._requested.setdefault(self._content(view), np.zeros(len(pixels), bool))
        self.requested += np.count_nonzero(~requested[np.unique(rows)])
        requested[rows] = True

        def compute(missing: np.ndarray) -> Iterator[Rows]:
            chunks = -(-len(missing) // chunk)
            batches = training_batches(recipe, pixels, missing, labels, *(view or ()))
            for number, (films, _) in enumerate(batches):
                part = missing[number * chunk : (number + 1) * chunk]
                whole = tf.pad(films, [(0, chunk - len(part)), (0, 0), (0, 0), (0, 0)])
                yield part, self.function(whole).numpy()[: len(part)]
                self.computed += len(part)
                on_chunk(number + 1, chunks)

        def gather(missing: np.ndarray) -> Iterator[Rows]:
            return gather_rows(compute(missing), MARKED_ROWS)

        return stored_rows(self._path(view), (len(pixels), *self._shape), np.float32, rows, gather)

    def _augment(self, view: View | None) -> Augment:
        return Augment() if view is None else self._recipe.augment

    def _content(self, view: View | None) -> Hashable:
        """Return a key of the content of a view's films."""
        films, augment = self._films, self._augment(view)
        if not augment.active:
            return films.content
        return films.content_of_sources, self._recipe.size, dataclasses.astuple(augment), view

    def _path(self, view: View | None) -> Path:
        gpu = bool(tf.config.list_physical_devices("GPU"))
        versions = HARNESS_VERSION, tf.__version__, keras.__version__, cv2.__version__
        parts = (self._content(view), self._network, gpu, self._xla, self._chunk, versions)
        return self._folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.npy"


def _digest_network(network: keras.Model) -> str:
    digest = hashlib.sha256(json.dumps(network.get_config(), sort_keys=True, default=str).encode())
    for value in network.get_weights():
        digest.update(np.ascontiguousarray(value))
    return digest.hexdigest()
