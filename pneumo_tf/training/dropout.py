"""The streams that dropout draws its masks from, set so that every mask is a pure function of a key."""

import keras
import numpy as np

from pneumo_tf.data.augment import generator


def seed_dropout(model: keras.Model, *key: int | str) -> None:
    """Sets every dropout layer's stream, so that the calls that follow draw what they drew under this key.

    Args:
        model: Its dropout layers' streams are set.
        *key: Seed, and what the masks are for, such as phase and epoch.
    """
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = generator("dropout", number, *key).integers(2**32, size=2, dtype=np.uint32)
            layer.seed_generator.state.assign(state)
