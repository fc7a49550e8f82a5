"""Recipes, suites, and the commands that run them with `pneumo_tf`."""

import os

# Read when Keras, Matplotlib and TensorFlow are imported: settings of another project or of a notebook must
# neither stop a run nor change its numbers.
os.environ.update(KERAS_BACKEND="tensorflow", MPLBACKEND="agg")
# NVML counts GPUs in this order, CUDA by itself the fastest first.
os.environ.update(CUDA_DEVICE_ORDER="PCI_BUS_ID")
os.environ.pop("TF_USE_LEGACY_KERAS", None)
# Without this TensorFlow logs more lines at start; a few, of its own start-up, cannot be turned off.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
