"""Settings of TensorFlow and Keras that a run depends on; they override the user's configuration."""

import os
from typing import Any

import keras
import tensorflow as tf

from benchmarks.worker.assignment import Assignment
from pneumo_tf.costs.hardware import TO_USE_THE_CPU
from pneumo_tf.errors import UserError
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.training.device import prepare_tensorflow

RECORDED = ("TF_", "XLA_", "NVIDIA_TF32", "CUDNN_", "CUBLAS_")
"""Prefixes of environment variables that can change results, at least by rounding."""

NOT_RECORDED = ("TF_CPP_MIN_LOG_LEVEL", "TF_CLI_", "TF_VAR_", "TF_DATA_DIR")
"""Prefixes of variables that do not change results, or that belong to Terraform."""


def prepare_device(assignment: Assignment, spec: RunSpec) -> None:
    """Set types, layout, threads, memory and precision, once per process before TensorFlow starts.

    On a CPU, operations are made deterministic: the same run twice gives the same numbers. On a GPU that
    would be too slow.

    Raises:
        UserError: If TensorFlow does not find the GPU of the assignment.
    """
    # Overrides `keras.json`, which applies to every project of a user.
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    tf.config.threading.set_intra_op_parallelism_threads(assignment.threads)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    devices = prepare_tensorflow()
    if assignment.gpu and not devices:
        raise UserError(
            f"TensorFlow does not find the GPU; pip install -r requirements.txt, {TO_USE_THE_CPU}"
        )
    if not devices:
        keras.utils.set_random_seed(spec.seed)
        tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_global_policy(spec.precision)


def describe_settings(assignment: Assignment) -> dict[str, Any]:
    """Return versions and settings of this process after `prepare_device`, for `environment.json`."""
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "floatx": keras.config.floatx(),
        "image_data_format": keras.config.image_data_format(),
        "tf32": "on" if tf.config.experimental.tensor_float_32_execution_enabled() else "off",
        "deterministic": not assignment.gpu,
        "variables": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(RECORDED) and not name.startswith(NOT_RECORDED)
        },
    }
