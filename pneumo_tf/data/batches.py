"""Batches of films for TensorFlow, passed to the device as uint8 grayscale."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import tensorflow as tf

from pneumo_tf.data.augment import random_generator, random_transforms
from pneumo_tf.data.target_classes import TARGET_CLASSES
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Recipe


@dataclass(frozen=True)
class TrainingFilms:
    """The films and labels that a run uses while it trains.

    Args:
        pixels: (n, side, side) uint8 of the whole dataset.
        sources: The same films at the `source_side` of the augmentation, from which crops are taken.
        labels: (n,) of the whole dataset.
        train: Indices of the training films.
        validation: Indices of the validation films.
    """

    pixels: np.ndarray
    sources: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray

    @cached_property
    def content(self) -> str:
        """Hash of all of `pixels`."""
        return _digest(self.pixels)

    @cached_property
    def content_of_sources(self) -> str:
        """Hash of all of `sources`."""
        return _digest(self.sources)


def _digest(pixels: np.ndarray) -> str:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    # Film by film, because a memory map can be larger than memory.
    for film in pixels:
        digest.update(np.ascontiguousarray(film))
    return digest.hexdigest()


def training_order(recipe: Recipe, films: np.ndarray, labels: np.ndarray, *key: int) -> np.ndarray:
    """Return the training films of one epoch in the order of training.

    Args:
        recipe: Recipe, which sets the sampling.
        films: (n,) indices of the training films.
        labels: (n,) labels of these films.
        *key: Seed, phase and epoch.

    Returns:
        (n,) indices. `"shuffled"` sampling: a permutation. `"balanced"`: the same number of films of each
        class; films of rare classes are repeated, and some of frequent classes are left out.

    Raises:
        UserError: If balanced sampling finds no film of a class.
    """
    random = random_generator("order", *key)
    if recipe.sampling == "shuffled":
        return random.permutation(films)
    classes = max(2, recipe.head.classes)
    shares = [len(films) // classes + (label < len(films) % classes) for label in range(classes)]
    for label in range(classes):
        if not (labels == label).any():
            name = TARGET_CLASSES[classes][label]
            raise UserError(f"no training film is of class {name}; balanced sampling needs all classes")
    sampled = [
        np.resize(random.permutation(films[labels == label]), share) for label, share in enumerate(shares)
    ]
    return random.permutation(np.concatenate(sampled))


def count_batches(recipe: Recipe, films: np.ndarray) -> int:
    """Return the number of batches of an epoch over `films`, including a smaller last one."""
    return -(-len(films) // recipe.batch)


def training_batches(
    recipe: Recipe, pixels: np.ndarray, order: np.ndarray, labels: np.ndarray, *key: int
) -> tf.data.Dataset:
    """Return the batches of one epoch, augmented.

    Args:
        recipe: Recipe with side, batch size and augmentation.
        pixels: (n, source, source) uint8 of the whole dataset, at the augmentation's `source_side`.
        order: Indices of the films in the order of `training_order`.
        labels: (n,) labels of the whole dataset.
        *key: Seed, phase and epoch.

    Returns:
        Pairs of films, (b, side, side, 1) uint8, and labels, (b,) int32. The last batch may be smaller.
    """
    batches = tf.data.Dataset.from_tensor_slices((order, labels[order].astype(np.int32))).batch(recipe.batch)
    batches = batches.map(lambda rows, truth: (_gather(pixels, rows), rows, truth))
    if recipe.augment.active:
        side, fill = recipe.size, recipe.augment.fill
        transforms = random_transforms(recipe.augment, len(pixels), side, *key)
        # The pipeline runs on the CPU: every batch would copy its parameters from the GPU.
        with tf.device("CPU:0"):
            warp = tf.constant(transforms.warp)
            tone = None if transforms.tone is None else tf.constant(transforms.tone)

        def augmented(films: tf.Tensor, rows: tf.Tensor, truth: tf.Tensor) -> tuple[tf.Tensor, ...]:
            tones = None if tone is None else tf.gather(tone, rows)
            return transform_films(films, tf.gather(warp, rows), tones, side=side, fill=fill), rows, truth

        batches = batches.map(augmented, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.map(lambda films, rows, truth: (films, truth)).prefetch(tf.data.AUTOTUNE)


def fixed_batches(films: np.ndarray, rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Yield batches of films in a fixed order, without augmentation.

    Args:
        films: (n, …) of the whole dataset, pixels or features.
        rows: Indices of the films.
        size: Number of films per batch.

    Yields:
        Batches, (b, …).
    """
    for start in range(0, len(rows), size):
        yield films[rows[start : start + size]]


def transform_films(
    films: tf.Tensor, warp: tf.Tensor, tone: tf.Tensor | None, *, side: int, fill: str
) -> tf.Tensor:
    """Warp films and change their tone.

    Args:
        films: (b, source, source, 1) uint8.
        warp: (b, 6), as in `Transforms`.
        tone: (b, 4), as in `Transforms`; None leaves grey levels as they are, which is faster.
        side: Height and width of the result in pixels.
        fill: Value outside of the film, `"nearest"` or `"black"`.

    Returns:
        (b, side, side, 1) uint8, rounded to the nearest grey level.
    """
    kind = tf.uint8 if tone is None else tf.float32
    inputs = [tf.cast(films, kind), warp]
    warped = tf.numpy_function(lambda *batch: _warp(*batch, side, fill), inputs, kind, stateful=False)
    warped = tf.ensure_shape(warped, (films.shape[0], side, side, 1))
    return warped if tone is None else tf.cast(tf.round(_change_tone(warped, tone)), tf.uint8)


def _warp(films: np.ndarray, warp: np.ndarray, side: int, fill: str) -> np.ndarray:
    """Warp film by film with OpenCV, which takes a fifth of TensorFlow's time, and rounds."""
    result = np.empty((len(films), side, side, 1), films.dtype)
    for film, matrix, place in zip(films[..., 0], warp.reshape(-1, 2, 3), result[..., 0], strict=True):
        cv2.warpAffine(
            film,
            matrix,
            (side, side),
            dst=place,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE if fill == "nearest" else cv2.BORDER_CONSTANT,
        )
    return result


def _change_tone(films: tf.Tensor, tone: tf.Tensor) -> tf.Tensor:
    gain, contrast, gamma, added = (tone[:, i, None, None, None] for i in range(4))
    mean = tf.reduce_mean(films, axis=(1, 2, 3), keepdims=True)
    toned = (mean + (films - mean) * contrast) * gain + added
    return 255.0 * tf.pow(tf.clip_by_value(toned / 255.0, 0.0, 1.0), gamma)


def _gather(pixels: np.ndarray, rows: tf.Tensor) -> tf.Tensor:
    # A stateful function is not prefetched by tf.data if operations have to be deterministic.
    films = tf.numpy_function(lambda index: pixels[index][..., None], [rows], tf.uint8, stateful=False)
    return tf.ensure_shape(films, (None, *pixels.shape[1:], 1))
