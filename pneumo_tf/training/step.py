"""The compiled training step of a phase, and the compiled prediction."""

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
"""Films at a time if no activations have to be stored for gradients."""


class Compiled:
    """A function of batches, traced once for batches of every size.

    With XLA, which compiles for one size, batches of the usual size are compiled so, and all others, such as
    a smaller last batch, share one plain trace.
    """

    def __init__(self, function: Callable[..., tf.Tensor], *, xla: bool, flops: float | None = None) -> None:
        """Prepare the function; it is traced at its first call.

        Args:
            function: Takes tensors whose first axis is the batch.
            xla: Compile with XLA for batches of the length of the first.
            flops: Operations for each film of a batch; None if they are not known.
        """
        self._function, self._xla, self._film_flops = function, xla, flops
        self._compiled: dict[bool, Callable[..., tf.Tensor]] = {}
        self._usual: int | None = None
        self._films = 0
        self.trace_seconds = 0.0
        """Seconds of the first call with XLA and without, each the trace and one batch; 0 before them."""

    @property
    def plain(self) -> Callable[..., tf.Tensor]:
        """The function before it is traced."""
        return self._function

    @property
    def flops(self) -> float | None:
        """Operations of all calls so far; None if they are not known."""
        return None if self._film_flops is None else self._films * self._film_flops

    def __call__(self, *batch: Any) -> tf.Tensor:
        """Call the function on arrays or tensors of one length; later calls have the same other axes."""
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
            model: Films to logits, or cached features to logits.
            variables: Trainable variables.
            optimizer: Applied once a step, whatever the number of micro-batches.
            loss: Loss of each film.
            l2: Factor of the L2 penalty: this times a variable is added to the variable's gradient.
            micro_batches: Parts that a batch is cut into if it does not fit the device; their gradients
                add up to that of the whole batch, except through the batch statistics of batch norm.
            xla: Compile with XLA if the batch is whole. The parts of a batch have no length that XLA knows
                beforehand: it pads them, and the losses are wrong.
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
            The batch's mean loss before the step, a scalar.
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
        # One part at a time: in parallel they would need the memory that the cut is to save.
        _, value, sums = tf.while_loop(
            lambda start, *_: start < total, add, (0, tf.constant(0.0), zeros), parallel_iterations=1
        )
        return value, sums


class Predictor:
    """Logits of films in a fixed order, by one compiled function."""

    def __init__(
        self, model: keras.Model, *, batch: int = EVALUATION_BATCH, xla: bool = False, dropout: bool = False
    ) -> None:
        """Prepare the function; it is traced at its first call.

        Args:
            model: Films to logits, or features to logits.
            batch: Films at a time.
            xla: Compile with XLA.
            dropout: Apply dropout as in training, with batch norm in inference mode: its layers are set to
                `trainable = False` and stay so.
        """
        if dropout:
            # Keras runs a batch norm that is not trainable in inference mode, whatever `training` is.
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
