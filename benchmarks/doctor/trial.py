"""A trial: one training step of a recipe, on a batch that stays on the device."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from benchmarks.doctor.step_input import Row
from pneumo_tf.costs.flops import training_flops
from pneumo_tf.costs.hardware import Gpu, energy_joules
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import TrainingStep
from pneumo_tf.training.trainable import set_trainable

T = TypeVar("T")

STEPS_PER_EPOCH = 100
"""Steps per epoch for which learning-rate schedules are made."""

MESSAGE_CHARACTERS = 200
"""Most characters of an error's message that are kept."""


@dataclass(frozen=True)
class Trial:
    """A compiled training step and its batch.

    Args:
        model: The model that it trains.
        step: The step; it is traced at its first call.
        films: (b, side, side, 1) uint8.
        labels: (b,) int32.
        film_flops: Operations of a step for each film; None if they are not known.
    """

    model: keras.Model
    step: TrainingStep
    films: tf.Tensor
    labels: tf.Tensor
    film_flops: float | None

    def run(self) -> tf.Tensor:
        """Train on the batch once; return the loss, a scalar."""
        return self.step(self.films, self.labels)


def make_trial(
    recipe: Recipe, phase: Phase, precision: str, *, xla: bool = False, micro_batches: int = 1
) -> Trial:
    """Build a model from seed 0 and its training step; the memory of earlier trials is freed.

    Args:
        recipe: Architecture, size and batch.
        phase: Trained part and optimiser.
        precision: Keras dtype policy; the global policy is set to it.
        xla: Compile with XLA.
        micro_batches: Number of micro-batches that the batch is split into.
    """
    keras.utils.clear_session()
    gc.collect()
    keras.mixed_precision.set_global_policy(precision)
    keras.utils.set_random_seed(0)
    entry = architecture(recipe.architecture)
    model = build(recipe.architecture, head=recipe.head, size=recipe.size or entry.size)
    variables = set_trainable(model, entry, phase)
    optimizer = make_optimizer(phase, STEPS_PER_EPOCH, precision)
    step = TrainingStep(
        model,
        variables,
        optimizer,
        film_loss(recipe),
        l2=phase.l2,
        micro_batches=micro_batches,
        xla=xla,
    )
    flops = training_flops(model, variables)
    random = np.random.default_rng(0)
    films = random.integers(0, 256, (recipe.batch, *model.input_shape[1:]), np.uint8)
    labels = random.integers(0, 2, recipe.batch).astype(np.int32)
    return Trial(model, step, tf.identity(films), tf.identity(labels), flops)


def time_trial(trial: Trial, *, seconds: float, most: int = 50) -> tuple[float, int]:
    """Return the seconds of a step and the number of timed steps, after a warm-up step.

    Args:
        trial: Its step was called at least once.
        seconds: Approximate time to spend; at least two steps are timed.
        most: Most steps.
    """
    trial.run().numpy()
    started = time.perf_counter()
    trial.run().numpy()
    steps = min(most, max(2, round(seconds / (time.perf_counter() - started))))
    started = time.perf_counter()
    for _ in range(steps):
        loss = trial.run()
    loss.numpy()
    return (time.perf_counter() - started) / steps, steps


def measure_power(gpu: Gpu | None, work: Callable[[], T]) -> tuple[T, float | None]:
    """Run `work`; return its result and the mean power of the GPU meanwhile, watts, None if unknown.

    Args:
        gpu: The GPU that does the work, None for a CPU.
        work: Function that returns once its work is finished, not only queued.
    """
    before, started = _energy(gpu), time.perf_counter()
    result = work()
    seconds, after = time.perf_counter() - started, _energy(gpu)
    return result, None if before is None or after is None else (after - before) / seconds


def _energy(gpu: Gpu | None) -> float | None:
    return energy_joules(gpu) if gpu else None


def peak_mb(*, gpu: bool) -> float | None:
    """Return the peak of device memory since `reset_peak`, MiB; None on a CPU."""
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20 if gpu else None


def reset_peak(*, gpu: bool) -> None:
    """Reset the peak of device memory."""
    if gpu:
        tf.config.experimental.reset_memory_stats("GPU:0")


def describe_error(error: BaseException) -> Row:
    """Return class and message of an error as values of a row."""
    text: Any = " ".join(str(error).split())
    return {"error": type(error).__name__, "message": text[:MESSAGE_CHARACTERS]}
