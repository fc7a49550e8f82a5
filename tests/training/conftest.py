"""Fixtures of training."""

import pytest
import tensorflow as tf


@pytest.fixture(scope="module")
def deterministic():
    """Operations that give the same bits each time."""
    tf.config.experimental.enable_op_determinism()
