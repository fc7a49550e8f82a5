"""The device of a step's process, prepared before the first operation."""

import tensorflow as tf


def prepare_tensorflow() -> list[tf.config.PhysicalDevice]:
    """Let device memory grow as it is needed, and return the GPUs."""
    devices = tf.config.list_physical_devices("GPU")
    for device in devices:
        tf.config.experimental.set_memory_growth(device, True)
    return devices
