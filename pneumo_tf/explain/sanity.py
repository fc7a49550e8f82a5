"""Does a map depend on what the model learned? Weights are drawn anew from the top, layer by layer.

Adebayo et al. 2018, arXiv:1810.03292: a map that stays the same on a model that has forgotten everything
shows the film, not the model.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np

from pneumo_tf.explain.agreement import rank_correlation, ssim
from pneumo_tf.explain.explainer import Explainer

STEPS = 5


class Forgotten(NamedTuple):
    """How alike maps are to those of the trained model once the top of it has been drawn anew.

    Args:
        layers: Layers with weights that were drawn anew, from the logits down.
        share: These as a share of all layers with weights.
        rank_correlation: By method, (n,) per film.
        ssim: By method, (n,) per film.
    """

    layers: int
    share: float
    rank_correlation: Mapping[str, np.ndarray]
    ssim: Mapping[str, np.ndarray]


def cascade(
    model: keras.Model,
    films: np.ndarray,
    methods: Sequence[str] = ("grad_cam", "layer_cam"),
    layer: str | Sequence[str] | None = None,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> list[Forgotten]:
    """Draws the weights anew from the top in steps, and compares the maps. The model is left as it was.

    Args:
        model: Trained, as `Explainer` takes it.
        films: (n, side, side) uint8.
        methods: Keys of `METHODS` and `BASELINES`.
        layer: As `Explainer` takes it.
        steps: Into how many parts the layers with weights are cut; the first step takes the logits alone.
        seed: Of the new weights.

    Returns:
        One entry per step, the last with every weight drawn anew.
    """
    explain = Explainer(model, methods, layer)
    before = explain(films)
    trained = model.get_weights()
    weighted = [item.name for item in model.layers if item.weights][::-1]
    ends = sorted({1, *(round(end) for end in np.linspace(0, len(weighted), steps)[1:])})
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(model)
    found, done = [], 0
    try:
        for end in ends:
            for name in weighted[done:end]:
                model.get_layer(name).set_weights(fresh.get_layer(name).get_weights())
            done, after = end, explain(films)
            found.append(
                Forgotten(
                    end,
                    end / len(weighted),
                    {name: rank_correlation(before[name], maps) for name, maps in after.items()},
                    {name: ssim(before[name], maps) for name, maps in after.items()},
                )
            )
    finally:
        model.set_weights(trained)
    return found
