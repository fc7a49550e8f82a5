"""(a) From films to augmented batches: our pipeline, `ImageDataGenerator`, and stacked Keras layers."""

import contextlib
import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import cv2
import keras
import numpy as np
import tensorflow as tf

from benchmarks.recipes import RECIPES
from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line, films_per_second, time_in_turns
from pneumo_tf.data.batches import training_batches
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import CLASSES, Films
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Recipe

PUBLISHED_SIZE = (1328, 971)
"""Mean width and height of the films as they were published, pixels."""

BATCH = 32
TWO_PHASE = RECIPES["resnet50v2"]
"""A recipe with the augmentation that is compared: rotation, shift and flip, filled with the nearest edge."""


class Alternative(NamedTuple):
    """One implementation of the input pipeline.

    Args:
        epoch: Function that reads all of its films once.
        films: Number of its films.
    """

    epoch: Callable[[], None]
    films: int


def measure(setup: Setup) -> Iterator[Line]:
    """Compare implementations of the augmentation of the two-phase recipes."""
    if find_spec("PIL") is None:
        raise UserError("ImageDataGenerator needs Pillow: pip install -r requirements-dev.txt")
    side = setup.scale.side
    recipe, pixels = replace(TWO_PHASE, size=side, batch=BATCH), setup.pixels(side)
    ours = our_pipeline(setup, recipe, pixels)
    how = f"batches of {BATCH} at {side} px, from the second epoch on, without the single decoding"
    files = _write_films(setup, setup.scratch / "files", setup.scale.files, original=False)
    for mode, name, target in (("rgb", "RGB", 12.0), ("grayscale", "grey", None)):
        against = f"ImageDataGenerator, {name}, {side} px"
        yield _compare(setup, against, ours, generator(files, recipe, mode), target, how)
    layers = stacked_layers(setup, recipe, pixels)
    layers_how = f"{how}; both in tf.data, from the same map"
    yield _compare(setup, "three Keras layers", ours, layers, 2.2, layers_how)
    originals = _write_films(setup, setup.scratch / "originals", setup.scale.originals, original=True)
    theirs, decoded = generator(originals, recipe, "rgb"), _measure_decoding(setup, originals)
    files_how = f"{_sizes(setup)} as JPEG; {how}, at {decoded:,.0f} films/s"
    yield _compare(setup, "ImageDataGenerator, original files", ours, theirs, 30.0, files_how)


def _compare(
    setup: Setup,
    against: str,
    ours: Alternative,
    theirs: Alternative,
    target: float | None,
    how: str,
) -> Line:
    turns = time_in_turns((ours.epoch, theirs.epoch), setup.repeat)
    rates = (films_per_second(one.films, took) for one, took in zip((ours, theirs), turns, strict=True))
    return Line(f"pipeline / {against}", "films/s", *rates, at_least=target, note=f"{how}.")


def our_pipeline(setup: Setup, recipe: Recipe, pixels: np.ndarray) -> Alternative:
    """Return the pipeline of training, with new random augmentation in each epoch."""
    order, epochs = setup.order(setup.scale.epoch), itertools.count()

    def epoch() -> None:
        for _ in training_batches(recipe, pixels, order, setup.labels, 0, 0, next(epochs)):
            pass

    return Alternative(epoch, len(order))


def generator(files: Dataset, recipe: Recipe, color_mode: str) -> Alternative:
    """Return `ImageDataGenerator` with a recipe's rotation, shift and flip, on one folder per class."""
    augment, side = recipe.augment, recipe.size
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=augment.rotation,
        width_shift_range=augment.shift,
        height_shift_range=augment.shift,
        horizontal_flip=augment.flip > 0,
        fill_mode=augment.fill,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        batches = generator.flow_from_directory(
            files.root, (side, side), color_mode, class_mode="binary", batch_size=recipe.batch, seed=0
        )

    def epoch() -> None:
        for _ in range(len(batches)):
            next(batches)

    return Alternative(epoch, len(files.films))


def stacked_layers(setup: Setup, recipe: Recipe, pixels: np.ndarray) -> Alternative:
    """Return three Keras layers in `tf.data`, on films from the same map as ours."""
    augment, order = recipe.augment, setup.order(setup.scale.layers)
    stacked = [
        keras.layers.RandomRotation(augment.rotation / 360, augment.fill, seed=0),
        keras.layers.RandomTranslation(augment.shift, augment.shift, augment.fill, seed=1),
        keras.layers.RandomFlip("horizontal", seed=2),
    ]

    def read(rows: tf.Tensor) -> tf.Tensor:
        films = tf.numpy_function(lambda index: pixels[index][..., None], [rows], tf.uint8)
        return tf.ensure_shape(films, (None, recipe.size, recipe.size, 1))

    def augment_films(films: tf.Tensor) -> tf.Tensor:
        for layer in stacked:
            films = layer(films, training=True)
        return films

    batches = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch).map(read)
    batches = batches.map(augment_films, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def epoch() -> None:
        for _ in batches:
            pass

    return Alternative(epoch, len(order))


def _measure_decoding(setup: Setup, files: Dataset) -> float:
    """Return the number of files per second that are decoded into the pixel cache."""
    started = time.perf_counter()
    cached_pixels(files, setup.scratch / "cache", side=setup.scale.side)
    return len(files.films) / (time.perf_counter() - started)


def _write_films(setup: Setup, root: Path, count: int, *, original: bool) -> Dataset:
    """Write films as JPEG, one folder per class, in the size of the pixel cache or as large as published."""
    pixels, films = setup.pixels(setup.scale.side), setup.dataset.films.rows
    written = []
    for place, row in enumerate(setup.order(min(count, len(films)))):
        film, image = films[row], pixels[row]
        if original:
            size = (film.width, film.height) if setup.sized else PUBLISHED_SIZE
            image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        path = root / CLASSES[film.label] / f"{place}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
        # A new digest makes the pixel cache decode again.
        written.append(film._replace(id=path.relative_to(root).as_posix(), digest=f"{place} {time.time()}"))
    return Dataset(setup.dataset.source, "files", root, Films(tuple(written)))


def _sizes(setup: Setup) -> str:
    if setup.sized:
        return "films enlarged to their original sizes"
    return f"films enlarged to {' × '.join(map(str, PUBLISHED_SIZE))}, the published mean,"
