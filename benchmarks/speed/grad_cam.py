"""(d) Grad-CAM of a batch in one compiled pass, compared with one film at a time in eager mode."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line, films_per_second, time_in_turns
from pneumo_tf.explain.explainer import Explainer
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Head

MODELS = {"mobilenetv2": (32, 4.0), "conv3_gray": (32, 6.0), "vgg16": (8, None)}
"""Batch size and target ratio of each architecture."""


def measure(setup: Setup) -> Iterator[Line]:
    """Compare films per second of each architecture."""
    for name, (batch, target) in MODELS.items():
        yield _compare(setup, name, min(batch, setup.scale.explained), target)


def _compare(setup: Setup, name: str, batch: int, target: float | None) -> Line:
    scale = setup.scale
    model = build(name, head=Head(), size=scale.side, weights=setup.initial_weights(name))
    films = setup.pixels(scale.side)[setup.order(batch)]
    single = films[: scale.explained_singly]
    explain = Explainer(model, ("grad_cam",), batch=batch)
    notebook = notebook_grad_cam(model, explain.layers[0])

    def batched() -> None:
        explain(films)

    def one_by_one() -> None:
        for film in single:
            notebook(film)

    mine, other = time_in_turns((batched, one_by_one), setup.repeat)
    return Line(
        f"Grad-CAM, batched / singly, {name}",
        "films/s",
        films_per_second(len(films), mine),
        films_per_second(len(single), other),
        at_least=target,
        note=f"{scale.side} px; ours {len(films)} films in one pass, theirs one by one in eager mode, as in "
        "the Keras example.",
    )


def notebook_grad_cam(model: keras.Model, layer: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return Grad-CAM as notebooks write it: a model with two outputs, a tape, one film.

    Args:
        model: Films to logits.
        layer: Name of the layer whose output is explained.

    Returns:
        A function of one film, (side, side) uint8, to its map (h, w), its largest value 1.

    Reference: F. Chollet, "Grad-CAM class activation visualization", keras.io/examples/vision/grad_cam.
    """
    both = keras.Model(model.inputs[0], [model.get_layer(layer).output, model.outputs[0]])

    def heatmap(film: np.ndarray) -> np.ndarray:
        with tf.GradientTape() as tape:
            features, logits = both(film[None, ..., None])
            channel = logits[:, -1]
        weights = tf.reduce_mean(tape.gradient(channel, features), axis=(0, 1, 2))
        drawn = tf.squeeze(features[0] @ weights[..., tf.newaxis])
        drawn = tf.maximum(drawn, 0) / tf.math.reduce_max(drawn)
        return drawn.numpy()

    return heatmap
