"""Does a map depend on what the model learned? Weights are drawn anew from the top, layer by layer.

Adebayo et al. 2018, arXiv:1810.03292: a map that stays the same on a model that has forgotten everything
shows the film, not the model.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np

from pneumo_tf.explain.explainer import Explainer
from pneumo_tf.explain.similarity import alike, alike_next_film

STEPS = 5

Alike = Mapping[str, np.ndarray]
"""`rank` and `ssim`, (n,) per film."""


class Stage(NamedTuple):
    """How alike maps are to those of the trained model once the top of it has been drawn anew.

    Args:
        layers: Layers with weights that were drawn anew, from the logits down.
        share: These as a share of all layers with weights.
        alike: By method, what `agreement.alike` gives.
    """

    layers: int
    share: float
    alike: Mapping[str, Alike]


class Cascade(NamedTuple):
    """What becomes of maps while a model forgets.

    Args:
        stages: The last with every weight drawn anew.
        next_film: By method, how alike the trained model's maps of different films are.
    """

    stages: list[Stage]
    next_film: Mapping[str, Alike]


def cascade(
    model: keras.Model,
    films: np.ndarray,
    methods: Sequence[str] = ("grad_cam", "layer_cam"),
    layer: str | Sequence[str] | None = None,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Cascade:
    """Draws the weights anew from the top in steps, and compares the maps. The model is left as it was.

    Args:
        model: Trained, as `Explainer` takes it.
        films: (n, side, side) uint8.
        methods: Keys of `METHODS` and `BASELINES`.
        layer: As `Explainer` takes it.
        steps: Into how many parts the layers with weights are cut; the first step takes the logits alone.
        seed: Of the new weights.
    """
    explain = Explainer(model, methods, layer)
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
            found = {name: alike(before[name], maps) for name, maps in after.items()}
            stages.append(Stage(end, end / len(weighted), found))
    finally:
        model.set_weights(trained)
    return Cascade(stages, {name: alike_next_film(maps, maps) for name, maps in before.items()})
