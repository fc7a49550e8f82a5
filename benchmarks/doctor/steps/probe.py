"""TensorFlow on the device: its build, the devices it finds, and two operations with gradients."""

from collections.abc import Callable, Iterator

import tensorflow as tf

from benchmarks.doctor.step_input import Row, StepInput
from pneumo_tf.errors import UserError
from pneumo_tf.training.device import prepare_tensorflow

BFLOAT16_TOLERANCE = 0.03
"""Largest relative difference of a bfloat16 result from float32: rounding to 8 bits, accumulated in sums."""


def measure(step_input: StepInput) -> Iterator[Row]:
    """Report the build and the devices, then compute.

    Raises:
        UserError: If there is a GPU that TensorFlow does not find.
    """
    build = tf.sysconfig.get_build_info()
    for key in ("is_cuda_build", "cuda_version", "cudnn_version"):
        yield {"what": key.replace("_", " "), "value": str(build.get(key, "not stated"))}
    devices = prepare_tensorflow()
    yield {"what": "GPUs that TensorFlow sees", "value": str(len(devices))}
    if step_input.gpu and not devices:
        raise UserError(
            "there is a GPU, and TensorFlow does not see it; pip install -r requirements.txt, and compare "
            "the driver's CUDA with TensorFlow's"
        )
    on = tf.config.experimental.tensor_float_32_execution_enabled()
    yield {"what": "TF32 for float32 matrices and convolutions", "value": "on" if on else "off"}
    yield compare("convolution with gradient", _convolution)
    yield compare("matrix product with gradient", _product)


def compare(what: str, compute: Callable[[tf.DType], tf.Tensor]) -> Row:
    """Compute in float32 and bfloat16 and compare.

    Args:
        what: Name of the operation.
        compute: Operation and gradient in a data type, reduced to one number.
    """
    exact, rounded = float(compute(tf.float32)), float(compute(tf.bfloat16))
    difference = abs(rounded - exact) / abs(exact)
    row: Row = {"what": what, "value": "done", "bfloat16_difference": difference}
    if not difference <= BFLOAT16_TOLERANCE:
        row["problem"] = f"{what}: bfloat16 gives {rounded:g}, float32 {exact:g}; check driver and cuDNN"
    return row


def _convolution(kind: tf.DType) -> tf.Tensor:
    return _with_gradient(
        _random(kind, 8, 32, 32, 16), _random(kind, 3, 3, 16, 32), lambda x, w: tf.nn.conv2d(x, w, 1, "SAME")
    )


def _product(kind: tf.DType) -> tf.Tensor:
    return _with_gradient(_random(kind, 256, 512), _random(kind, 512, 256), tf.matmul)


def _with_gradient(x: tf.Tensor, w: tf.Tensor, operation: Callable[..., tf.Tensor]) -> tf.Tensor:
    """Return the sum of squares of an operation's gradients."""
    with tf.GradientTape() as tape:
        tape.watch((x, w))
        value = tf.reduce_sum(tf.cast(operation(x, w), tf.float32) ** 2)
    gradients = tape.gradient(value, (x, w))
    return tf.add_n([tf.reduce_sum(tf.cast(gradient, tf.float32) ** 2) for gradient in gradients])


def _random(kind: tf.DType, *shape: int) -> tf.Tensor:
    return tf.cast(tf.random.stateless_uniform(shape, seed=(0, sum(shape)), minval=-1), kind)
