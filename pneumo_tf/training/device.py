"""Preparation of TensorFlow's devices before the first operation of a process."""

import tensorflow as tf


def device_kind() -> str:
    """Return the kind of device that TensorFlow computes on: `"GPU"` or `"CPU"`."""
    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def prepare_tensorflow() -> list[tf.config.PhysicalDevice]:
    """Let device memory grow as needed, turn TF32 off, and return the GPUs.

    Every command that computes calls this first, because memory growth cannot be set after an operation has
    run. Without TF32, float32 is computed in full precision, also in the logits of mixed-precision models;
    bfloat16 and float16 still use tensor cores.
    """
    devices = tf.config.list_physical_devices("GPU")
    for device in devices:
        tf.config.experimental.set_memory_growth(device, True)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return devices
