"""Speed of training fed by the pipeline, relative to training on a batch that stays on the device."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import tensorflow as tf

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.doctor.steps.training_step import Subject
from benchmarks.doctor.trial import Trial, make_trial
from benchmarks.recipes import recipe
from pneumo_tf.costs.hardware import gpus, resolve_precision
from pneumo_tf.data.augment import source_side
from pneumo_tf.data.batches import training_batches
from pneumo_tf.recipe import Recipe
from pneumo_tf.training.device import prepare_tensorflow

SUBJECTS = (Subject("resnet50v2", 224, 256), Subject("resnet18_transfer", 224, 32))
STEPS = 60
FILMS = 1024


def measure(step_input: StepInput) -> Iterator[Row]:
    """Measure a large and a small batch, with the augmentation of their recipes."""
    prepare_tensorflow()
    precision = resolve_precision("auto", gpus()[0])
    for subject in SUBJECTS:
        chosen = replace(recipe(subject.name), size=subject.size, batch=subject.batch)
        yield from compare_feeds(chosen, precision, steps=STEPS, device="/GPU:0")


def compare_feeds(recipe: Recipe, precision: str, *, steps: int, device: str | None) -> Iterator[Row]:
    """Train on a resident batch, on batches from the pipeline, and on batches prefetched to the device.

    Args:
        recipe: Architecture, size, batch and augmentation.
        precision: Keras dtype policy.
        steps: Timed steps of each.
        device: Device to prefetch to; None leaves that row out.
    """
    trial = make_trial(recipe, recipe.phases[-1], precision)
    trial.run().numpy()
    side = source_side(recipe.augment, recipe.size)
    films = np.random.default_rng(0).integers(0, 256, (FILMS, side, side), np.uint8)

    def batches() -> tf.data.Dataset:
        order = np.resize(np.arange(FILMS), (steps + 1) * recipe.batch)
        return training_batches(recipe, films, order, np.arange(FILMS) % 2, 0, 0, 0)

    timed = {"on the device": _train_resident(trial, steps), "pipeline": _train_fed(trial, batches())}
    if device:
        prefetched = batches().apply(tf.data.experimental.prefetch_to_device(device))
        timed["pipeline, prefetched"] = _train_fed(trial, prefetched)
    for name, (seconds, waited) in timed.items():
        yield {
            "recipe": recipe.name,
            "batch": recipe.batch,
            "feed": name,
            "films_per_second": steps * recipe.batch / seconds,
            "share_of_resident": timed["on the device"][0] / seconds,
            "wait_share": waited / seconds,
        }


def _train_resident(trial: Trial, steps: int) -> tuple[float, float]:
    """Return the seconds of `steps` steps, and 0 for the time spent waiting."""
    started = time.perf_counter()
    for _ in range(steps):
        loss = trial.run()
    loss.numpy()
    return time.perf_counter() - started, 0.0


def _train_fed(trial: Trial, batches: tf.data.Dataset) -> tuple[float, float]:
    """Return the seconds of all steps but the first, which starts the pipeline, and those spent waiting."""
    feed, waited = iter(batches), 0.0
    trial.step(*next(feed)).numpy()
    started = requested = time.perf_counter()
    for batch in feed:
        waited += time.perf_counter() - requested
        loss = trial.step(*batch)
        requested = time.perf_counter()
    loss.numpy()
    return time.perf_counter() - started, waited
