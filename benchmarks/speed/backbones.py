"""(h) Every backbone in training and inference, compared with the same graph on a resident batch."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from benchmarks.recipes.two_phase_transfer import RECIPES
from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line, films_per_second, time_in_turns
from pneumo_tf.costs.flops import forward_flops, training_flops
from pneumo_tf.costs.hardware import Gpu, gpus, memory_mb, resolve_precision
from pneumo_tf.costs.peak_flops import peak_flops
from pneumo_tf.data.batches import training_batches
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.memory import is_out_of_memory
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import Predictor, TrainingStep
from pneumo_tf.training.trainable import set_trainable

BACKBONES = (*(recipe.architecture for recipe in RECIPES), "mobilenetv2", "resnet18")
MOST_MEMORY_SHARE = 0.6
"""Largest share of memory that a batch may need by the registry's estimate."""

LEAST_SHARE_OF_CEILING = 0.9
PHASE = Phase(epochs=1, learning_rate=1e-4, train="all", batch_norm="training")


def measure(setup: Setup, names: Sequence[str] = BACKBONES) -> Iterator[Line]:
    """Compare each backbone with its ceiling, the same graph on a resident batch."""
    gpu = next(iter(gpus()), None)
    policy = keras.mixed_precision.dtype_policy()
    try:
        for name in names:
            keras.mixed_precision.set_global_policy(resolve_precision("auto", gpu))
            yield from _backbone(setup, name, gpu)
    finally:
        keras.mixed_precision.set_global_policy(policy)


def _backbone(setup: Setup, name: str, gpu: Gpu | None) -> Iterator[Line]:
    batch = _largest_batch(name, gpu, setup.scale.backbone_batch)
    while True:
        keras.utils.clear_session()
        recipe = replace(RECIPES[0], name=name, architecture=name, size=architecture(name).size, batch=batch)
        backbone = _Backbone(setup, recipe, gpu)
        try:
            lines = backbone.training(), backbone.inference()
        except tf.errors.OpError as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
            setup.log(f"    {name}: out of memory with batches of {batch}; trying half of that")
            batch //= 2
        else:
            yield from lines
            return


def _largest_batch(name: str, gpu: Gpu | None, batch: int) -> int:
    most = MOST_MEMORY_SHARE * ((gpu and gpu.memory_mb) or memory_mb())
    entry = architecture(name)
    while batch > 1 and entry.memory_mb(size=entry.size, batch=batch) > most:
        batch //= 2
    return batch


class _Backbone:
    """One backbone with the memory map of its films."""

    def __init__(self, setup: Setup, recipe: Recipe, gpu: Gpu | None) -> None:
        self.setup, self.recipe, self.gpu = setup, recipe, gpu
        self.pixels = setup.pixels(recipe.size)
        self.model = build(recipe.architecture, head=recipe.head, size=recipe.size)
        self.waited = 0.0

    def training(self) -> Line:
        """Compare steps fed by the augmenting pipeline with steps on a resident batch."""
        variables = set_trainable(self.model, architecture(self.recipe.architecture), PHASE)
        precision = keras.mixed_precision.dtype_policy().name
        step = TrainingStep(
            self.model, variables, make_optimizer(PHASE, 100, precision), film_loss(self.recipe)
        )
        films, labels = map(tf.identity, next(iter(self._batches(1))))
        resident = _repeated(lambda: step(films, labels))
        steps = self._steps(resident)
        rates = self._compare(lambda: self._fed(step, steps), lambda: resident(steps), steps)
        flops = training_flops(self.model, variables)
        return self._line("training", rates, flops, f"the host waited for films for {self.waited:.1%}")

    def inference(self) -> Line:
        """Compare the harness's predictor on films in host memory with calls on a resident batch."""
        predict = Predictor(self.model, batch=self.recipe.batch)
        films = tf.identity(self.pixels[self.setup.order(self.recipe.batch)][..., None])
        resident = _repeated(lambda: predict.function(films))
        steps = self._steps(resident)
        rows = self.setup.order(steps * self.recipe.batch)
        rates = self._compare(lambda: predict(self.pixels, rows), lambda: resident(steps), steps)
        return self._line("inference", rates, forward_flops(self.model), "nothing augmented")

    def _batches(self, steps: int) -> tf.data.Dataset:
        order = self.setup.order(steps * self.recipe.batch)
        return training_batches(self.recipe, self.pixels, order, self.setup.labels, 0, 0, steps)

    def _steps(self, resident: Callable[[int], None]) -> int:
        """Return the number of steps in a turn, at least three."""
        resident(1)
        started = time.perf_counter()
        resident(3)
        one = (time.perf_counter() - started) / 3
        return max(3, round(self.setup.scale.backbone_seconds / one))

    def _fed(self, step: TrainingStep, steps: int) -> float:
        """Return the seconds of `steps` steps, after a first one that starts the pipeline."""
        batches = iter(self._batches(steps + 1))
        step(*next(batches)).numpy()
        started, waited = time.perf_counter(), 0.0
        for _ in range(steps):
            requested = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - requested
            loss = step(*batch)
        loss.numpy()
        seconds = time.perf_counter() - started
        self.waited = waited / seconds
        return seconds

    def _compare(
        self, ours: Callable[[], float | None], ceiling: Callable[[], None], steps: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        turns = time_in_turns((ours, ceiling), self.setup.repeat)
        return tuple(films_per_second(steps * self.recipe.batch, seconds) for seconds in turns)

    def _line(self, what: str, rates: tuple[tuple[float, ...], ...], flops: float | None, how: str) -> Line:
        precision = keras.mixed_precision.dtype_policy().name
        peak = peak_flops(self.gpu.name, precision) if self.gpu else None
        known = peak and flops is not None
        used = f", {np.median(rates[0]) * flops / peak:.1%} of the device's peak" if known else ""
        arithmetic = "– GFLOPs" if flops is None else f"{flops / 1e9:.1f} GFLOPs"
        return Line(
            f"{self.recipe.architecture}, {what} / ceiling",
            "films/s",
            *rates,
            at_least=LEAST_SHARE_OF_CEILING,
            note=f"{self.recipe.size} px, batches of {self.recipe.batch}, {precision}; "
            f"{arithmetic} per film{used}; {how}.",
        )


def _repeated(call: Callable[[], tf.Tensor]) -> Callable[[int], None]:
    """Return a function that calls a compiled one a number of times and waits for the last result."""

    def repeat(times: int) -> None:
        for _ in range(times):
            result = call()
        result.numpy()

    return repeat
