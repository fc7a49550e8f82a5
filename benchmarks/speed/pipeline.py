"""(a) Films to augmented batches: our pipeline, `ImageDataGenerator`, and stacked Keras layers."""

import contextlib
import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from benchmarks.recipes import RECIPES
from benchmarks.speed.contest import Line, alternate, films_per_second
from benchmarks.speed.scene import Scene
from pneumo_tf.data.batches import training_batches
from pneumo_tf.data.cache import cached_pixels
from pneumo_tf.data.films import CLASSES, Dataset, Films
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Recipe

PUBLISHED_SIZE = (1328, 971)
"""Mean width and height of the films as they were published, pixels."""

BATCH = 32
TWO_PHASE = RECIPES["resnet50v2"]
"""One of the recipes whose augmentation is raced: rotation, shift and flip, filled with the nearest edge."""


def measure(scene: Scene) -> Iterator[Line]:
    """Races the two-phase recipes' augmentation."""
    if find_spec("PIL") is None:
        raise UserError("ImageDataGenerator needs Pillow: pip install -r requirements-dev.txt")
    scale, pixels = scene.scale, scene.pixels(scene.scale.side)
    recipe = replace(TWO_PHASE, size=scale.side, batch=BATCH)
    ours = our_epochs(scene, recipe, pixels)
    files = _write_films(scene, scene.scratch / "files", scale.files, None)
    how = f"batches of {BATCH} at {scale.side} px, from the second epoch on; decoding once is not in it"
    for mode, target in (("rgb", 12.0), ("grayscale", None)):
        theirs = generator_epochs(files, recipe, mode)
        name = "RGB" if mode == "rgb" else "grey"
        yield _race(
            scene,
            f"ImageDataGenerator, {name}, {scale.side}-px files",
            ours,
            theirs,
            len(files.films),
            target,
            how,
        )
    yield _race(
        scene,
        "three Keras layers in tf.data",
        ours,
        layer_epochs(scene, recipe, pixels),
        scale.layers,
        2.2,
        f"{how}; both from the same memory map",
    )
    originals = _write_films(scene, scene.scratch / "originals", scale.originals, PUBLISHED_SIZE)
    started = time.perf_counter()
    cached_pixels(originals, scene.scratch / "originals", side=scale.side)
    decoded = len(originals.films) / (time.perf_counter() - started)
    yield _race(
        scene,
        "ImageDataGenerator, RGB, original files",
        ours,
        generator_epochs(originals, recipe, "rgb"),
        len(originals.films),
        30.0,
        f"{_sizes(scene)}; {how}, at {decoded:,.0f} films/s",
    )


def _race(
    scene: Scene,
    against: str,
    ours: Callable[[], None],
    theirs: Callable[[], None],
    their_films: int,
    target: float | None,
    how: str,
) -> Line:
    mine, other = alternate((ours, theirs), scene.repeat)
    rates = films_per_second(scene.scale.epoch, mine), films_per_second(their_films, other)
    return Line(f"pipeline against {against}", "films/s", *rates, at_least=target, note=f"{how}.")


def our_epochs(scene: Scene, recipe: Recipe, pixels: np.ndarray) -> Callable[[], None]:
    """Gives one epoch a call, each with draws of its own."""
    order, epochs = scene.order(scene.scale.epoch), itertools.count()

    def epoch() -> None:
        for _ in training_batches(recipe, pixels, order, scene.labels, 0, 0, next(epochs)):
            pass

    return epoch


def generator_epochs(files: Dataset, recipe: Recipe, color_mode: str) -> Callable[[], None]:
    """Gives one epoch of `ImageDataGenerator` a call, with a recipe's rotation, shift and flip."""
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

    return epoch


def layer_epochs(scene: Scene, recipe: Recipe, pixels: np.ndarray) -> Callable[[], None]:
    """Gives one epoch of stacked Keras layers in `tf.data` a call, from the same map as ours."""
    order, layers = scene.order(scene.scale.layers), keras.layers
    stacked = [
        layers.RandomRotation(recipe.augment.rotation / 360, recipe.augment.fill, seed=0),
        layers.RandomTranslation(recipe.augment.shift, recipe.augment.shift, recipe.augment.fill, seed=1),
        layers.RandomFlip("horizontal", seed=2),
    ]

    def changed(films: tf.Tensor) -> tf.Tensor:
        for layer in stacked:
            films = layer(films, training=True)
        return films

    def read(rows: tf.Tensor) -> tf.Tensor:
        films = tf.numpy_function(lambda index: pixels[index][..., None], [rows], tf.uint8)
        return tf.ensure_shape(films, (None, recipe.size, recipe.size, 1))

    batches = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch).map(read)
    batches = batches.map(changed, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def epoch() -> None:
        for _ in batches:
            pass

    return epoch


def _write_films(scene: Scene, root: Path, count: int, size: tuple[int, int] | None) -> Dataset:
    """Writes films as JPEG, a folder for each class: as they are in the map, or as large as published."""
    pixels, films = scene.pixels(scene.scale.side), scene.dataset.films.rows
    written = []
    for place, row in enumerate(scene.order(min(count, len(films)))):
        film, image = films[row], pixels[row]
        if size is not None:
            size = (film.width, film.height) if scene.sized else PUBLISHED_SIZE
            image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        path = root / CLASSES[film.label] / f"{place}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
        height, width = image.shape
        written.append(
            film._replace(id=path.relative_to(root).as_posix(), width=width, height=height, digest=str(place))
        )
    return Dataset("files", "files", root, Films(tuple(written)))


def _sizes(scene: Scene) -> str:
    if scene.sized:
        return "films enlarged to their original sizes and written as JPEG"
    return (
        f"films enlarged to {' × '.join(map(str, PUBLISHED_SIZE))}, the published mean, and written as JPEG"
    )
