"""Cascading weight randomization, which tests whether maps depend on the trained weights.

Adebayo et al. 2018, arXiv:1810.03292: a map that stays the same when the weights are randomized shows the
film, not the model.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np

from pneumo_tf.explain.explainer import Explainer
from pneumo_tf.explain.similarity import compare_maps, compare_with_next_film

STEPS = 5

Similarity = Mapping[str, np.ndarray]
"""`rank` and `ssim`, (n,) per film, as `compare_maps` returns them."""


class Stage(NamedTuple):
    """Similarity of maps to those of the trained model after randomizing the top of the model.

    Args:
        layers: Number of layers with randomized weights, from the logits down.
        share: This number as a share of all layers with weights, in 0–1.
        similarity: Similarity by method.
    """

    layers: int
    share: float
    similarity: Mapping[str, Similarity]


class Randomization(NamedTuple):
    """Similarity of maps under cascading weight randomization.

    Args:
        stages: Stages, from the logits alone to all weights.
        next_film: Similarity of the trained model's maps of different films, by method.
    """

    stages: list[Stage]
    next_film: Mapping[str, Similarity]


def randomize_weights(
    model: keras.Model,
    films: np.ndarray,
    methods: Sequence[str] = ("grad_cam", "layer_cam"),
    layer: str | Sequence[str] | None = None,
    *,
    explain: Explainer | None = None,
    steps: int = STEPS,
    seed: int = 0,
) -> Randomization:
    """Randomize weights in steps from the logits down, and compare the maps; the weights are restored.

    Args:
        model: Trained model that `Explainer` accepts.
        films: (n, side, side) uint8.
        methods: Keys of `METHODS` and `BASELINES`.
        layer: Layer or layers to explain, as in `Explainer`.
        explain: Existing explainer of the same model and layers with at least these methods, to save a trace;
            None to create one.
        steps: Number of stages; the first randomizes the layer of the logits only.
        seed: Random seed of the new weights.
    """
    explain = explain or Explainer(model, methods, layer)
    before = explain(films)
    trained = model.get_weights()
    weighted = [item.name for item in model.layers if item.weights][::-1]
    ends = sorted({1, *(round(end) for end in np.linspace(0, len(weighted), steps)[1:])})
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(model)
    stages, done = [], 0
    try:
        for end in ends:
            for name in weighted[done:end]:
                model.get_layer(name).set_weights(fresh.get_layer(name).get_weights())
            done, after = end, explain(films)
            found = {name: compare_maps(before[name], after[name]) for name in methods}
            stages.append(Stage(end, end / len(weighted), found))
    finally:
        model.set_weights(trained)
    next_film = {name: compare_with_next_film(before[name], before[name]) for name in methods}
    return Randomization(stages, next_film)
