"""Networks small enough to follow by hand."""

import keras
import numpy as np
from keras import layers

HAND_FILM = np.array([[[0, 2], [4, 6]]], np.uint8)
HAND_FEATURES = np.array([[[0, 2], [4, 6]], [[5, 3], [1, 0]]], float)
"""Both channels of HAND_FILM: x and relu(5 − x)."""
HAND_GRADIENT = np.array([0.5, -0.25])
"""Of the score, 2 mean(A_1) − mean(A_2), with respect to any of the four cells of each channel."""


def by_hand():
    """Two layers: Conv 1×1 with ReLU, then global average pooling and a linear head."""
    film = keras.Input((2, 2, 1), dtype="uint8", name="film")
    x = layers.Rescaling(1.0, name="input_float")(film)
    x = layers.Conv2D(2, 1, activation="relu", name="conv")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(film, layers.Dense(2, name="logits")(x), name="by_hand")
    model.get_layer("conv").set_weights([np.array([[[[1, -1]]]], "float32"), np.array([0, 5], "float32")])
    model.get_layer("logits").set_weights(
        [np.array([[1, 3], [2, 1]], "float32"), np.array([7, -7], "float32")]
    )
    return model


def random_convnet(seed=0, side=10, classes=2, film_dtype="uint8"):
    """Two convolutions and a bent head, in float64 so that finite differences are exact enough."""
    keras.utils.set_random_seed(seed)
    exact = {"dtype": "float64"}
    film = keras.Input((side, side, 1), dtype=film_dtype, name="film")
    x = layers.Rescaling(1.0, name="input_float", **exact)(film)
    x = layers.Rescaling(1 / 255, **exact)(x)
    x = layers.Conv2D(4, 3, activation="tanh", name="first", **exact)(x)
    x = layers.Conv2D(5, 3, strides=2, activation="softplus", name="last", **exact)(x)
    x = layers.Flatten(name="flat", **exact)(x)
    x = layers.Dense(6, activation="tanh", **exact)(x)
    return keras.Model(film, layers.Dense(classes, name="logits", **exact)(x), name="random_convnet")


def films(side, count=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)
