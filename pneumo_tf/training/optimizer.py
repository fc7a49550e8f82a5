"""Optimisers and schedules of phases; schedules count optimiser steps, not micro-batches."""

from collections.abc import Callable

import keras

from pneumo_tf.recipe import Phase
from pneumo_tf.training.fused import FusedAdam, FusedSGD
from pneumo_tf.training.schedule import WarmUp, WarmUpCosine

Rate = float | keras.optimizers.schedules.LearningRateSchedule

_OPTIMIZERS: dict[str, Callable[[Phase, Rate], keras.optimizers.Optimizer]] = {
    "adam": lambda phase, rate: FusedAdam(rate, weight_decay=phase.weight_decay or None),
    "adamw": lambda phase, rate: FusedAdam(rate, weight_decay=phase.weight_decay),
    "sgd": lambda phase, rate: FusedSGD(
        rate, momentum=phase.momentum, weight_decay=phase.weight_decay or None
    ),
}


def make_optimizer(phase: Phase, steps_per_epoch: int, precision: str) -> keras.optimizers.Optimizer:
    """Return the optimiser of a phase, with its schedule.

    Args:
        phase: Phase with optimiser, learning rate and schedule.
        steps_per_epoch: Number of optimiser steps per epoch.
        precision: Keras dtype policy; `mixed_float16` gets dynamic loss scaling.
    """
    optimizer = _OPTIMIZERS[phase.optimizer](phase, _rate(phase, phase.epochs * steps_per_epoch))
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "mixed_float16" else optimizer


def _rate(phase: Phase, steps: int) -> Rate:
    # A phase cut short by --epochs must still reach its peak rate.
    warmup = min(phase.warmup_steps, steps // 2)
    if phase.schedule == "cosine":
        return WarmUpCosine(phase.learning_rate, warmup, steps)
    return WarmUp(phase.learning_rate, warmup) if warmup else phase.learning_rate
