"""Compiled training steps and compiled prediction."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.costs.flops import training_flops
from pneumo_tf.data.batches import fixed_batches
from pneumo_tf.training.cut import CutNetwork
from pneumo_tf.training.loss import FilmLoss

EVALUATION_BATCH = 128
"""Batch size if no activations have to be stored for gradients."""


class Compiled:
    """A function of batches, compiled once for all batch sizes.

    XLA compiles for a single size, so only batches of the usual size use it; all others, such as a smaller
    last batch, share one trace without XLA.
    """

    def __init__(self, function: Callable[..., tf.Tensor], *, xla: bool, flops: float | None = None) -> None:
        """Prepare the function; it is traced at its first call.

        Args:
            function: Function of tensors whose first axis is the batch.
            xla: Whether to compile with XLA for batches of the length of the first.
            flops: Operations per film; None if unknown.
        """
        self._function, self._xla, self._film_flops = function, xla, flops
        self._compiled: dict[bool, Callable[..., tf.Tensor]] = {}
        self._usual: int | None = None
        self._films = 0
        self.trace_seconds = 0.0
        """Seconds of the first calls with and without XLA, each a trace and one batch; 0 before them."""

    @property
    def plain(self) -> Callable[..., tf.Tensor]:
        """The function before it is traced."""
        return self._function

    @property
    def flops(self) -> float | None:
        """Operations of all calls so far; None if unknown."""
        return None if self._film_flops is None else self._films * self._film_flops

    def __call__(self, *batch: Any) -> tf.Tensor:
        """Call the function on arrays or tensors of equal length, with the same other axes in every call."""
        length = len(batch[0])
        self._films += length
        self._usual = self._usual or length
        xla = self._xla and length == self._usual
        if xla in self._compiled:
            return self._compiled[xla](*batch)
        started = time.perf_counter()
        signature = [tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batch]
        self._compiled[xla] = tf.function(self._function, input_signature=signature, jit_compile=xla)
        result = self._compiled[xla](*batch)
        self.trace_seconds += time.perf_counter() - started
        return result


class TrainingStep:
    """The compiled step of a phase."""

    def __init__(
        self,
        model: keras.Model | CutNetwork,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        loss: FilmLoss,
        *,
        l2: float = 0.0,
        micro_batches: int = 1,
        xla: bool = False,
    ) -> None:
        """Prepare the step; it is traced at its first call.

        Args:
            model: Model from films, or from cached features, to logits.
            variables: Trainable variables.
            optimizer: Optimiser, applied once per step for any number of micro-batches.
            loss: Loss of each film.
            l2: Factor of the L2 penalty: the factor times a variable is added to its gradient.
            micro_batches: Number of micro-batches if a batch does not fit the device; their gradients add up
                to that of the whole batch, except for the statistics of batch norm.
            xla: Whether to compile with XLA if the batch is whole. XLA does not know the length of
                micro-batches beforehand and pads them, which makes losses wrong.
        """
        self._model, self._variables, self._optimizer = model, list(variables), optimizer
        self._loss, self._l2, self._micro_batches = loss, l2, micro_batches
        optimizer.build(self._variables)
        self.function = Compiled(
            self._step, xla=xla and micro_batches == 1, flops=training_flops(model, self._variables)
        )

    def __call__(self, films: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Update the variables once.

        Args:
            films: (b, side, side, 1) uint8, or features (b, …) float32.
            labels: (b,) int32.

        Returns:
            Mean loss of the batch before the update, a scalar.
        """
        return self.function(films, labels)

    def _step(self, films: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        count = tf.cast(tf.shape(films)[0], tf.float32)
        whole = self._micro_batches == 1
        value, gradients = (self._gradients if whole else self._accumulated)(films, labels, count)
        if self._l2:
            scale = self._optimizer.scale_loss(tf.constant(self._l2))
            pairs = zip(gradients, self._variables, strict=True)
            gradients = [gradient + scale * tf.convert_to_tensor(variable) for gradient, variable in pairs]
        self._optimizer.apply(gradients, self._variables)
        return value

    def _gradients(
        self, films: tf.Tensor, labels: tf.Tensor, count: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        # Gradients of other variables, such as the kernels of frozen layers, are not computed.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self._variables])
            value = tf.reduce_sum(self._loss(labels, self._model(films, training=True))) / count
            scaled = self._optimizer.scale_loss(value)
        return value, tape.gradient(scaled, self._variables)

    def _accumulated(
        self, films: tf.Tensor, labels: tf.Tensor, count: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        total = tf.shape(films)[0]
        size = -(-total // self._micro_batches)

        def add(start: tf.Tensor, value: tf.Tensor, sums: list[tf.Tensor]) -> tuple:
            end = start + size
            part, more = self._gradients(films[start:end], labels[start:end], count)
            return end, value + part, [a + b for a, b in zip(sums, more, strict=True)]

        zeros = [tf.zeros_like(variable) for variable in self._variables]
        # One part at a time, because in parallel they would need the memory of a whole batch.
        _, value, sums = tf.while_loop(
            lambda start, *_: start < total, add, (0, tf.constant(0.0), zeros), parallel_iterations=1
        )
        return value, sums


class Predictor:
    """Compiled prediction of logits."""

    def __init__(
        self, model: keras.Model, *, batch: int = EVALUATION_BATCH, xla: bool = False, dropout: bool = False
    ) -> None:
        """Prepare the function; it is traced at its first call.

        Args:
            model: Model from films, or from features, to logits.
            batch: Number of films per batch.
            xla: Compile with XLA.
            dropout: Whether to apply dropout as in training, with batch norm in inference mode: its layers
                are set to `trainable = False` permanently.
        """
        if dropout:
            # Keras runs batch norm that is not trainable in inference mode, whatever `training` is.
            for layer in model.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.trainable = False
        self.batch, self._shape = batch, model.input_shape[1:]
        self._none = np.zeros((0, model.output_shape[-1]), np.float32)
        self.function = Compiled(lambda films: model(films, training=dropout), xla=xla)

    def __call__(self, films: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Compute logits.

        Args:
            films: (n, side, side) uint8, or (n, …) float32 features, of the whole dataset.
            rows: (k,) indices of the films to predict.

        Returns:
            (k, classes) float32.
        """
        shaped = films.reshape(len(films), *self._shape)
        outputs = [self.function(batch).numpy() for batch in fixed_batches(shaped, rows, self.batch)]
        return np.concatenate([self._none, *outputs])
