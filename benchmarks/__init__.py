"""The work that is run with `pneumo_tf`: recipes, suites, and the commands that run them."""

import os

# Read when Keras, Matplotlib and TensorFlow are imported: what a user has set for another project, or a
# notebook for its own process, must neither stop a run nor change its numbers.
os.environ.update(KERAS_BACKEND="tensorflow", MPLBACKEND="agg")
os.environ.pop("TF_USE_LEGACY_KERAS", None)
# This leaves out most of TensorFlow's greetings.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
