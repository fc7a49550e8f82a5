"""Floating-point operations of a model, counted from its graph: nothing is run, traced or copied."""

import math
from collections.abc import Sequence
from typing import Protocol

import keras


class Layered(Protocol):
    """A model, or parts of one: what counts are its layers."""

    @property
    def layers(self) -> Sequence[keras.Layer]:
        """Each once."""


def layer_flops(layer: keras.Layer) -> float:
    """Counts the multiplications and additions of a layer for one film.

    A convolution, depthwise or not, and a dense layer use each value of their kernel once per position of
    their output: two operations, a multiplication and an addition. Everything else (bias, normalisation,
    activation, pooling) is not counted, as is usual in the field: it is limited by memory, not arithmetic.

    Args:
        layer: A built layer of a functional model, called once, channels last.

    Returns:
        Operations; 0 for a layer without kernel.

    Raises:
        ValueError: For a layer with a matrix of weights that is no kernel, used nobody knows how often.
    """
    kernels = [weight for weight in layer.weights if len(weight.shape) > 1]
    if any(weight.name != "kernel" for weight in kernels):
        raise ValueError(f"cannot count the operations of {layer.name}: its weights are no kernel")
    if not kernels:
        return 0.0
    positions = math.prod(layer.output.shape[1:-1])
    return 2.0 * positions * sum(math.prod(kernel.shape) for kernel in kernels)


def forward_flops(model: Layered) -> float:
    """Counts the operations of inference on one film.

    Args:
        model: A flat functional model of fixed input size.

    Returns:
        FLOPs; a multiplication and its addition are two.

    Example:
        >>> from pneumo_tf.costs.flops import forward_flops
        >>> from pneumo_tf.models.registry import build
        >>> from pneumo_tf.recipe import Head
        >>> f"{forward_flops(build('mobilenetv2', head=Head(), size=224)) / 1e9:.2f} GFLOPs"
        '0.60 GFLOPs'
    """
    return sum(map(layer_flops, model.layers))


def training_flops(model: Layered, moving: Sequence[keras.Variable]) -> float:
    """Counts the operations of a training step per film.

    Args:
        model: As for `forward_flops`.
        moving: The variables that are trained.

    Returns:
        FLOPs: layers whose kernel moves count three times (forward, gradient by their input, gradient by
        their weights), all others once, as they are only passed through.

    Reference: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv:2001.08361, section 2.1:
    the backward pass costs about twice the forward one.
    """
    trained = {id(variable) for variable in moving}
    backward = (
        layer_flops(layer) for layer in model.layers if any(id(weight) in trained for weight in layer.weights)
    )
    return forward_flops(model) + 2.0 * sum(backward)
