"""One model of each architecture, built once for all tests that look at it."""

import keras
import numpy as np
import pytest

from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.recipe import Head

HEAD = Head(units=(8,), batch_norm=True, dropout=0.5)


def films(size, count=4):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 1), dtype=np.uint8)


@pytest.fixture(scope="session", params=ARCHITECTURES.values(), ids=ARCHITECTURES)
def built(request):
    """An entry and its model at the smallest size, with random weights, under the float32 policy.

    The model is shared: pytest runs all tests of one architecture before it builds the next.
    """
    entry = request.param
    keras.utils.set_random_seed(0)
    yield entry, build(entry.name, head=HEAD, size=entry.minimum_size)
    keras.backend.clear_session()


@pytest.fixture
def restored(built):
    """The same for a test that changes weights: they are set back after it."""
    _, model = built
    before = model.get_weights()
    yield built
    model.set_weights(before)
