"""Floating-point operations of a model, counted from its graph: nothing is run, traced or copied."""

import math
from collections.abc import Sequence
from typing import Protocol

import keras

_COUNTED = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
"""Layers that use every value of their kernels once for each position of their output."""


class Layered(Protocol):
    """A model or a part of one."""

    @property
    def layers(self) -> Sequence[keras.Layer]:
        """All layers, without repetition."""


def layer_flops(layer: keras.Layer) -> float | None:
    """Count the multiplications and additions of a layer for one film.

    A convolution (depthwise, separable or plain) and a dense layer use each value of their kernels once for
    each position of their output: two operations, a multiplication and an addition. Bias, normalisation,
    activation and pooling are not counted, as is usual in the field: memory limits them, not arithmetic.

    Args:
        layer: A built layer of a functional model, called once, channels last.

    Returns:
        Operations; 0 for a layer without kernel. None if there is no rule for it: a nested model, a layer
        with a weight matrix that is neither a convolution nor a dense layer, or one whose output size varies.
    """
    kernels = [weight for weight in layer.weights if len(weight.shape) > 1]
    if not kernels:
        return 0.0
    if not isinstance(layer, _COUNTED):
        return None
    positions = layer.output.shape[1:-1]
    if None in positions:
        return None
    return 2.0 * math.prod(positions) * sum(math.prod(kernel.shape) for kernel in kernels)


def uncounted_layers(model: Layered) -> list[str]:
    """Return the names of the layers whose operations cannot be counted."""
    return [layer.name for layer in model.layers if layer_flops(layer) is None]


def forward_flops(model: Layered) -> float | None:
    """Count the operations of inference on one film.

    Args:
        model: A flat functional model of fixed input size.

    Returns:
        FLOPs; a multiplication and its addition are two. None if a layer cannot be counted.

    Example:
        >>> from pneumo_tf.costs.flops import forward_flops
        >>> from pneumo_tf.models.registry import build
        >>> from pneumo_tf.recipe import Head
        >>> f"{forward_flops(build('mobilenetv2', head=Head(), size=224)) / 1e9:.2f} GFLOPs"
        '0.60 GFLOPs'
    """
    return _sum(model.layers)


def training_flops(model: Layered, variables: Sequence[keras.Variable]) -> float | None:
    """Count the operations of a training step for one film.

    Args:
        model: As for `forward_flops`.
        variables: The variables that are trained.

    Returns:
        FLOPs: layers with a trained kernel count three times (forward pass, gradient with respect to their
        input and to their weights), all others once. None if a layer cannot be counted.

    Reference: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv:2001.08361, section 2.1:
    the backward pass costs about twice the forward one.
    """
    trained = {id(variable) for variable in variables}
    forward = forward_flops(model)
    backward = _sum([layer for layer in model.layers if any(id(w) in trained for w in layer.weights)])
    return None if forward is None or backward is None else forward + 2.0 * backward


def _sum(layers: Sequence[keras.Layer]) -> float | None:
    counts = [layer_flops(layer) for layer in layers]
    return None if None in counts else sum(counts)
