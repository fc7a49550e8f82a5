"""One optimiser step and one prediction, compiled once."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.data.batches import fixed_batches
from pneumo_tf.training.loss import FilmLoss


class TrainingStep:
    """The compiled step of a phase."""

    def __init__(
        self,
        model: keras.Model,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        loss: FilmLoss,
        *,
        l2: float = 0.0,
        micro_batches: int = 1,
        xla: bool = False,
    ) -> None:
        """Prepares the step; it is traced at its first call.

        Args:
            model: Films to logits.
            variables: What moves.
            optimizer: Applied once a step, however many micro-batches.
            loss: Per film.
            l2: Added to the gradient of every variable, times the variable.
            micro_batches: Parts that a batch is cut into when it does not fit the device; their gradients
                add up to that of the whole batch, except through the batch statistics of batch norm.
            xla: Compile with XLA.
        """
        self._model, self._variables, self._optimizer = model, list(variables), optimizer
        self._loss, self._l2, self._micro_batches = loss, l2, micro_batches
        optimizer.build(self._variables)
        self._compiled = tf.function(self._step, jit_compile=xla, reduce_retracing=True)

    def __call__(self, films: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Moves the variables once.

        Args:
            films: (b, side, side, 1) uint8.
            labels: (b,) int32.

        Returns:
            The batch's mean loss before the step, a scalar.
        """
        return self._compiled(films, labels)

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
        with tf.GradientTape() as tape:
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
        # One part at a time: run side by side they would need the memory that the cut is to save.
        _, value, sums = tf.while_loop(
            lambda start, *_: start < total, add, (0, tf.constant(0.0), zeros), parallel_iterations=1
        )
        return value, sums


class Predictor:
    """Logits of films in a fixed order, by one compiled function."""

    def __init__(self, model: keras.Model, *, batch: int = 128, xla: bool = False) -> None:
        """Prepares the function; it is traced at its first call.

        Args:
            model: Films to logits.
            batch: Films at a time.
            xla: Compile with XLA.
        """
        side = model.input_shape[1]
        signature = [tf.TensorSpec((None, side, side, 1), tf.uint8)]
        self.batch = batch
        self.function = tf.function(
            lambda films: model(films, training=False), input_signature=signature, jit_compile=xla
        )

    def __call__(self, pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Predicts.

        Args:
            pixels: (n, side, side) uint8 of the whole dataset.
            rows: (k,) indices of the films wanted.

        Returns:
            (k, classes) float32.
        """
        outputs = [self.function(films).numpy() for films in fixed_batches(pixels, rows, self.batch)]
        return np.concatenate(outputs)
