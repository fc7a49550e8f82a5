"""Seed of the dropout layers, so that masks can be repeated."""

import keras
import numpy as np

from pneumo_tf.data.augment import random_generator


def seed_dropout(model: keras.Model, *key: int | str) -> None:
    """Set the random state of every dropout layer, so that the following masks depend only on `key`.

    Args:
        model: Model whose layers are seeded.
        *key: Seed and purpose of the masks, such as phase and epoch.
    """
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = random_generator("dropout", number, *key).integers(2**32, size=2, dtype=np.uint32)
            layer.seed_generator.state.assign(state)
