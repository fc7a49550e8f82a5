"""Compiled training steps and compiled prediction."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.costs.flops import training_flops
from pneumo_tf.costs.saved_tensors import PRODUCTS
from pneumo_tf.data.batches import fixed_batches
from pneumo_tf.training.compiled import Compiled
from pneumo_tf.training.cut import CutNetwork
from pneumo_tf.training.loss import FilmLoss
from pneumo_tf.training.memory import check_memory

EVALUATION_BATCH = 128
"""Batch size if no activations have to be stored for gradients."""


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
        free_mb: float | None = None,
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
            free_mb: Memory of the device that was free before training; None if unknown. Whole batches that
                need more raise `DoesNotFit` before they run.
        """
        self._model, self._variables, self._optimizer = model, list(variables), optimizer
        self._loss, self._l2, self._micro_batches = loss, l2, micro_batches
        self._xla, self._free_mb = xla and micro_batches == 1, free_mb
        optimizer.build(self._variables)
        self.function = Compiled(
            self._step,
            xla=self._xla,
            flops=training_flops(model, self._variables),
            inspect=None if free_mb is None or micro_batches > 1 else self._check_memory,
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

    def _check_memory(self, graph: tf.Graph, batch: int) -> None:
        # XLA may compute all other tensors a second time instead of keeping them.
        readers = PRODUCTS if self._xla else ()
        check_memory(graph, batch, self._variables, self._optimizer, free_mb=self._free_mb, readers=readers)

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
            xla: Compile with XLA for whole batches; a smaller last one is padded.
            dropout: Whether to apply dropout as in training, with batch norm in inference mode: its layers
                are set to `trainable = False` permanently.
        """
        if dropout:
            # Keras runs batch norm that is not trainable in inference mode, whatever `training` is.
            for layer in model.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.trainable = False
        self.batch, self._xla, self._shape = batch, xla, model.input_shape[1:]
        self._none = np.zeros((0, model.output_shape[-1]), np.float32)
        self.function = Compiled(lambda films: model(films, training=dropout), xla=xla, usual=batch)

    def __call__(self, films: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Compute logits.

        Args:
            films: (n, side, side) uint8, or (n, …) float32 features, of the whole dataset.
            rows: (k,) indices of the films to predict.

        Returns:
            (k, classes) float32.
        """
        shaped = films.reshape(len(films), *self._shape)
        padded = self._pad(rows)
        outputs = [self.function(batch).numpy() for batch in fixed_batches(shaped, padded, self.batch)]
        return np.concatenate([self._none, *outputs])[: len(rows)]

    def _pad(self, rows: np.ndarray) -> np.ndarray:
        """Repeat the last film under XLA until all batches are whole; less than one batch stays as it is."""
        missing = -len(rows) % self.batch if self._xla and len(rows) > self.batch else 0
        return np.pad(rows, (0, missing), mode="edge") if missing else rows
