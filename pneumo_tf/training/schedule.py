"""Learning-rate schedules without branches, which would copy the step count to the host in every step."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pneumo_tf")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate that rises linearly from 0 to its peak and then is constant.

    Args:
        peak: Highest rate.
        warmup: Number of optimiser steps until the peak; 0 for none.
    """

    def __init__(self, peak: float, warmup: int) -> None:
        self.peak, self.warmup = peak, warmup

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        return self.peak * ops.minimum(step / self.warmup, 1.0) if self.warmup else self.peak + 0.0 * step

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"peak": self.peak, "warmup": self.warmup}


@keras.saving.register_keras_serializable("pneumo_tf")
class WarmUpCosine(WarmUp):
    """Learning rate with linear warm-up, then a half cosine down to 0 (Loshchilov & Hutter 2017).

    Args:
        peak: Highest rate.
        warmup: Number of optimiser steps until the peak; 0 for none.
        steps: Total number of optimiser steps, more than `warmup`.
    """

    def __init__(self, peak: float, warmup: int, steps: int) -> None:
        super().__init__(peak, warmup)
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0; 0 after the last."""
        fallen = (ops.cast(step, "float32") - self.warmup) / (self.steps - self.warmup)
        return super().__call__(step) * 0.5 * (1.0 + ops.cos(math.pi * ops.clip(fallen, 0.0, 1.0)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "steps": self.steps}
