"""Memory that a training step needs for its gradients, counted in its traced graph."""

import math
from collections.abc import Collection

import tensorflow as tf

BACKWARD = "gradient_tape/"
"""Scope in which TensorFlow's tape places the operations of a gradient."""

SAME_MEMORY = frozenset({"Identity", "Reshape", "ExpandDims", "Squeeze", "StopGradient"})
"""Types of operations whose output is their first input, under another shape or name."""

SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank"})
"""Types of operations that read the shape of a tensor and not its values."""

NOT_COMPUTED = frozenset({"Const", "Placeholder", "ReadVariableOp"})
"""Types of operations whose output needs no memory of the step: constants, films and variables."""

PRODUCTS = frozenset(
    {
        "BatchMatMulV2",
        "Conv2DBackpropFilter",
        "Conv2DBackpropInput",
        "DepthwiseConv2dNativeBackpropFilter",
        "DepthwiseConv2dNativeBackpropInput",
        "MatMul",
    }
)
"""Gradients of convolutions and matrix products, whose inputs no compiler computes a second time."""


def saved_bytes(graph: tf.Graph, batch: int, readers: Collection[str] = ()) -> int:
    """Count the bytes of the outputs of the forward pass that are kept until the backward pass.

    These are the tensors that an operation of the gradient reads, except for their shape; of several views of
    one tensor the largest counts. Gradients, workspaces and the variables themselves, which a gradient may
    read as well, need memory in addition.

    Args:
        graph: Graph of a step, in which only the first axis of a tensor may depend on the batch.
        batch: Number of films.
        readers: Types of operations; only tensors that these read are counted. Empty for all.
    """
    largest: dict[str, int] = {}
    backward: set[str] = set()
    for operation in graph.get_operations():
        if not _is_backward(operation, backward):
            continue
        backward.add(operation.name)
        if operation.type in SHAPE_ONLY or (readers and operation.type not in readers):
            continue
        for tensor in operation.inputs:
            source, size = _source(tensor, batch)
            if source.op.name not in backward and source.op.type not in NOT_COMPUTED:
                largest[source.name] = max(size, largest.get(source.name, 0))
    return sum(largest.values())


def _is_backward(operation: tf.Operation, backward: Collection[str]) -> bool:
    """Return whether an operation belongs to the gradient or uses it, such as a sum of two gradients."""
    return operation.name.startswith(BACKWARD) or any(
        tensor.op.name in backward for tensor in operation.inputs
    )


def _source(tensor: tf.Tensor, batch: int) -> tuple[tf.Tensor, int]:
    """Return the tensor whose memory a tensor shares, and the bytes of the largest view between the two."""
    size = _bytes(tensor, batch)
    while tensor.op.type in SAME_MEMORY:
        tensor = tensor.op.inputs[0]
        size = max(size, _bytes(tensor, batch))
    return tensor, size


def _bytes(tensor: tf.Tensor, batch: int) -> int:
    """Return the bytes of a tensor; 0 for a resource and for an axis of unknown length."""
    if tensor.dtype == tf.resource or tensor.shape.rank is None:
        return 0
    first, *others = (*tensor.shape.as_list(), 1)
    if None in others:
        return 0
    return (batch if first is None else first) * math.prod(others) * tensor.dtype.size
