"""Memory of a device: batches that cannot fit, and errors which mean that it is full."""

import math
from collections.abc import Collection, Sequence

import keras
import tensorflow as tf

from pneumo_tf.costs.saved_tensors import saved_bytes

FLOAT32_BYTES = 4

SPELLINGS: tuple[tuple[type[tf.errors.OpError], str], ...] = (
    (tf.errors.ResourceExhaustedError, ""),
    # Films or weights do not fit the device that they are copied to.
    (tf.errors.InternalError, "Dst tensor is not initialized"),
    # cuDNN cannot allocate the workspace of any convolution algorithm.
    (tf.errors.OpError, "CUDNN_STATUS_ALLOC_FAILED"),
    (tf.errors.OpError, "CUDNN failed to allocate the scratch space"),
    # cuBLAS cannot allocate its handle.
    (tf.errors.OpError, "CUBLAS_STATUS_ALLOC_FAILED"),
    (tf.errors.OpError, "without BLAS support"),
    # XLA cannot allocate its buffers.
    (tf.errors.OpError, "Out of memory allocating"),
    (tf.errors.OpError, "Out of memory while trying to allocate"),
)
"""Class of each error, and a part of its message."""


class OutOfDeviceMemory(RuntimeError):
    """The smallest batches do not fit the device."""


class DoesNotFit(RuntimeError):
    """Batches need more memory than the device has, as the graph of their step shows before it runs."""

    def __init__(self, needed_mb: float, free_mb: float, micro_batches: int) -> None:
        """Describe the lack of memory.

        Args:
            needed_mb: Memory that whole batches need at least.
            free_mb: Memory that was free before training.
            micro_batches: Least power of two of micro-batches that may fit; more than the films of a batch
                if one film is too much.
        """
        super().__init__(f"whole batches need {needed_mb:,.0f} MB or more, {free_mb:,.0f} MB were free")
        self.micro_batches = micro_batches


def check_memory(
    graph: tf.Graph,
    batch: int,
    variables: Sequence[keras.Variable],
    optimizer: keras.optimizers.Optimizer,
    *,
    free_mb: float,
    readers: Collection[str] = (),
) -> None:
    """Check that the tensors which a training step keeps for its gradients fit the device.

    Workspaces and intermediate results need memory in addition, so a step may still run out of memory.

    Args:
        graph: Traced graph of the step.
        batch: Number of films.
        variables: Trained variables.
        optimizer: Optimiser with its state.
        free_mb: Memory that was free before training.
        readers: Operations whose inputs are kept, as in `saved_bytes`.

    Raises:
        DoesNotFit: If they do not.
    """
    # Each variable has a gradient of its size.
    counted = (*variables, *variables, *optimizer.variables)
    fixed = sum(math.prod(value.shape) * FLOAT32_BYTES for value in counted)
    saved, free = saved_bytes(graph, batch, readers), free_mb * 2**20
    if fixed + saved <= free:
        return
    micro_batches = 2
    while fixed + saved / micro_batches > free and micro_batches <= batch:
        micro_batches *= 2
    raise DoesNotFit((fixed + saved) / 2**20, free_mb, micro_batches)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device is full, so that smaller batches may fit."""
    return any(isinstance(error, known) and text in str(error) for known, text in SPELLINGS)
