"""Errors of TensorFlow that mean that the memory of a device is full."""

import tensorflow as tf

SPELLINGS: tuple[tuple[type[tf.errors.OpError], str], ...] = (
    (tf.errors.ResourceExhaustedError, ""),
    # Films or weights are copied to a device that has no room for them.
    (tf.errors.InternalError, "Dst tensor is not initialized"),
    # cuDNN has no workspace: no algorithm of a convolution can be tried.
    (tf.errors.OpError, "CUDNN_STATUS_ALLOC_FAILED"),
    (tf.errors.OpError, "CUDNN failed to allocate the scratch space"),
    # cuBLAS has no room for its handle.
    (tf.errors.OpError, "CUBLAS_STATUS_ALLOC_FAILED"),
    (tf.errors.OpError, "without BLAS support"),
    # XLA's buffers.
    (tf.errors.OpError, "Out of memory allocating"),
    (tf.errors.OpError, "Out of memory while trying to allocate"),
)
"""Class of an error, and a part of its message."""


class OutOfDeviceMemory(RuntimeError):
    """The smallest batches do not fit the device."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device is full, so that smaller batches may fit."""
    return any(isinstance(error, known) and text in str(error) for known, text in SPELLINGS)
