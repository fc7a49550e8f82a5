"""Depthwise convolutions, whose kernels differ most between precisions and compilers."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import tensorflow as tf

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.doctor.trial import describe_error
from pneumo_tf.training.device import prepare_tensorflow

SHAPE = (64, 56, 56, 128)
"""Films, height, width and channels of ConvNeXt-Base's first stage."""

TIMED_SECONDS = 0.2


def measure(step_input: StepInput) -> Iterator[Row]:
    """Measure each operation with its two gradients, in bfloat16 and float32, with and without XLA."""
    prepare_tensorflow()
    for xla in (False, True):
        for kind in (tf.bfloat16, tf.float32):
            for name, side in (("depthwise 1×1", 1), ("multiplication", None), ("depthwise 7×7", 7)):
                row = {"operation": name, "type": kind.name, "xla": xla}
                try:
                    yield row | {"ms": 1000 * time_operation(side, kind, SHAPE, xla=xla)}
                except tf.errors.OpError as error:
                    found = describe_error(error)
                    yield row | found | {"problem": f"{name}, {kind.name}, XLA {xla}: {found['message']}"}


def time_operation(side: int | None, kind: tf.DType, shape: tuple[int, ...], *, xla: bool) -> float:
    """Return seconds of an operation with its gradients.

    Args:
        side: Side of the kernel; None multiplies each channel by one number instead.
        kind: Data type.
        shape: Shape of the input, (b, height, width, channels).
        xla: Compile with XLA.
    """
    channels = shape[-1]
    values = tf.cast(tf.random.stateless_normal(shape, (0, 1)), kind)
    kernel_shape = (channels,) if side is None else (side, side, channels, 1)
    kernel = tf.cast(tf.random.stateless_normal(kernel_shape, (0, 2)), kind)
    operation = tf.multiply if side is None else _convolve
    call = partial(tf.function(partial(_gradients, operation), jit_compile=xla), values, kernel)
    return _time(lambda: call()[1].numpy())


def _convolve(values: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.depthwise_conv2d(values, kernel, (1, 1, 1, 1), "SAME")


def _gradients(operation: Callable[..., tf.Tensor], values: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
    with tf.GradientTape() as tape:
        tape.watch((values, kernel))
        result = operation(values, kernel)
    return tape.gradient(result, (values, kernel), output_gradients=result)


def _time(call: Callable[[], object]) -> float:
    for _ in range(2):
        call()
    started, calls = time.perf_counter(), 0
    while time.perf_counter() - started < TIMED_SECONDS:
        call()
        calls += 1
    return (time.perf_counter() - started) / calls
