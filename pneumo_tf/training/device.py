"""TensorFlow's devices, prepared before the first operation of a process."""

import tensorflow as tf


def device_kind() -> str:
    """Return the kind of device that TensorFlow computes on: `"GPU"` or `"CPU"`."""
    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def prepare_tensorflow() -> list[tf.config.PhysicalDevice]:
    """Let device memory grow as it is needed, turn TF32 off, and return the GPUs.

    Every command that computes calls this first: once an operation has run, growth cannot be set. Without
    TF32, float32 means float32, in the logits of a mixed-precision model too; bfloat16 and float16 keep
    their tensor cores.
    """
    devices = tf.config.list_physical_devices("GPU")
    for device in devices:
        tf.config.experimental.set_memory_growth(device, True)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return devices
