"""Recognition of TensorFlow errors that mean that the memory of a device is full."""

import tensorflow as tf

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


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device is full, so that smaller batches may fit."""
    return any(isinstance(error, known) and text in str(error) for known, text in SPELLINGS)
