"""Two operations on the GPU that this process sees: `python -m benchmarks.worker.gpu_check`."""

import math
import sys

import tensorflow as tf

from pneumo_tf.training.device import prepare_tensorflow


def main() -> int:
    """Compute a bfloat16 convolution with its gradient and a matrix product; 0 if both are finite."""
    if not prepare_tensorflow():
        print("TensorFlow finds no GPU", file=sys.stderr)
        return 1
    values = convolution_gradient(), matrix_product()
    return 0 if all(map(math.isfinite, values)) else 1


def convolution_gradient() -> float:
    """Return the sum of a convolution's gradient in bfloat16, which needs cuDNN."""
    films, kernel = (tf.ones(shape, tf.bfloat16) for shape in ((2, 16, 16, 8), (3, 3, 8, 8)))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        total = tf.reduce_sum(tf.nn.conv2d(films, kernel, 1, "SAME"))
    return float(tf.reduce_sum(tape.gradient(total, kernel)))


def matrix_product() -> float:
    """Return the sum of a matrix product in float32, which needs cuBLAS."""
    return float(tf.reduce_sum(tf.matmul(tf.ones((64, 64)), tf.ones((64, 64)))))


if __name__ == "__main__":
    sys.exit(main())
