"""The work that is run with `pneumo_tf`: recipes, suites, and the commands that run them."""

import os

# TensorFlow reads it when it is imported: this leaves out most of its greetings.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
