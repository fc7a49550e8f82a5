"""Recipes, suites, and the commands that run them with `pneumo_tf`."""

import os

# These are read when Keras, Matplotlib and TensorFlow are imported: settings of another project or of a
# notebook must not stop a run or change its results.
os.environ.update(KERAS_BACKEND="tensorflow", MPLBACKEND="agg")
# NVML numbers GPUs in this order; the default of CUDA is the fastest first.
os.environ.update(CUDA_DEVICE_ORDER="PCI_BUS_ID")
os.environ.pop("TF_USE_LEGACY_KERAS", None)
# TensorFlow logs less at start with this; a few lines cannot be turned off.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
