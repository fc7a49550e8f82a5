"""Optimisers with one kernel per variable; a step of Keras' Adam launches 22 operations for each.

Their state, and except for rounding their results, equal those of the Keras optimisers that they extend.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

Pairs = list[tuple[tf.Tensor, keras.Variable]]


class FusedAdam(keras.optimizers.Adam):
    """Adam (Kingma & Ba 2015), with decoupled weight decay (Loshchilov & Hutter 2019) if it is set."""

    def apply(
        self, grads: Sequence[tf.Tensor], trainable_variables: Sequence[keras.Variable] | None = None
    ) -> None:
        """Update the variables by their gradients."""
        pairs, rate = _pairs(self, grads, trainable_variables), tf.cast(self.learning_rate, tf.float32)
        _decay_weights(pairs, self.weight_decay, rate)
        step = tf.cast(self.iterations.value + 1, tf.float32)
        settings = {
            "beta1_power": tf.pow(self.beta_1, step),
            "beta2_power": tf.pow(self.beta_2, step),
            "lr": rate,
            "beta1": tf.constant(self.beta_1),
            "beta2": tf.constant(self.beta_2),
            "epsilon": tf.constant(self.epsilon),
        }
        for gradient, variable in pairs:
            index = self._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                grad=gradient,
                **settings,
            )
        self.iterations.assign_add(1)


class FusedSGD(keras.optimizers.SGD):
    """Stochastic gradient descent with momentum, without the Nesterov variant."""

    def apply(
        self, grads: Sequence[tf.Tensor], trainable_variables: Sequence[keras.Variable] | None = None
    ) -> None:
        """Update the variables by their gradients."""
        pairs, rate = _pairs(self, grads, trainable_variables), tf.cast(self.learning_rate, tf.float32)
        _decay_weights(pairs, self.weight_decay, rate)
        momentum = tf.constant(self.momentum, tf.float32)
        for gradient, variable in pairs:
            if not self.momentum:
                _descend(variable, rate, gradient)
                continue
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=variable.value.handle,
                accum=self.momentums[self._get_variable_index(variable)].value.handle,
                lr=rate,
                grad=gradient,
                momentum=momentum,
            )
        self.iterations.assign_add(1)


def _pairs(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable] | None,
) -> Pairs:
    """Return each variable with its gradient; build the optimiser first if necessary."""
    if variables is not None and not optimizer.built:
        optimizer.build(variables)
    known = optimizer._trainable_variables if variables is None else variables
    return list(zip(gradients, known, strict=True))


def _decay_weights(pairs: Pairs, factor: float | None, rate: tf.Tensor) -> None:
    """Decrease each variable by the share `factor` × `rate`, before its update."""
    if factor:
        share = factor * rate
        for _, variable in pairs:
            _descend(variable, share, variable.value)


def _descend(variable: keras.Variable, rate: tf.Tensor, gradient: tf.Tensor) -> None:
    tf.raw_ops.ResourceApplyGradientDescent(var=variable.value.handle, alpha=rate, delta=gradient)
