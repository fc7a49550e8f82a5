"""One optimiser step and one prediction, compiled once."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.data.batches import fixed_batches
from pneumo_tf.training.loss import FilmLoss

Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def training_step(
    model: keras.Model,
    variables: Sequence[keras.Variable],
    optimizer: keras.optimizers.Optimizer,
    loss: FilmLoss,
    *,
    l2: float = 0.0,
    micro_batches: int = 1,
    xla: bool = False,
) -> Step:
    """Compiles the step of a phase.

    Args:
        model: Films to logits.
        variables: What moves.
        optimizer: Applied once a step, however many micro-batches.
        loss: Per film.
        l2: Added to the gradient of every variable, times the variable.
        micro_batches: Parts that a batch is cut into when it does not fit the device; their gradients add
            up to that of the whole batch, except through the batch statistics of batch norm.
        xla: Compile with XLA.

    Returns:
        A function of films, (b, side, side, 1) uint8, and labels, (b,) int32, to the batch's mean loss.
    """
    optimizer.build(variables)

    def gradients(films: tf.Tensor, labels: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(loss(labels, model(films, training=True))) / count
            scaled = optimizer.scale_loss(value)
        return value, tape.gradient(scaled, list(variables))

    def accumulate(
        films: tf.Tensor, labels: tf.Tensor, count: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        total = tf.shape(films)[0]
        size = -(-total // micro_batches)
        value = tf.constant(0.0)
        sums = [tf.zeros_like(variable) for variable in variables]

        def body(start: tf.Tensor, value: tf.Tensor, sums: list[tf.Tensor]) -> tuple:
            part, more = gradients(films[start : start + size], labels[start : start + size], count)
            return start + size, value + part, [a + b for a, b in zip(sums, more, strict=True)]

        # One part at a time: run side by side they would need the memory that the cut is to save.
        _, value, sums = tf.while_loop(
            lambda start, *_: start < total, body, (0, value, sums), parallel_iterations=1
        )
        return value, sums

    @tf.function(jit_compile=xla, reduce_retracing=True)
    def step(films: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        count = tf.cast(tf.shape(films)[0], tf.float32)
        value, grads = (gradients if micro_batches == 1 else accumulate)(films, labels, count)
        if l2:
            scale = optimizer.scale_loss(tf.constant(l2))
            grads = [grad + scale * tf.convert_to_tensor(v) for grad, v in zip(grads, variables, strict=True)]
        optimizer.apply(grads, variables)
        return value

    return step


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
