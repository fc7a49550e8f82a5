"""A network cut in two for a phase that leaves its lower part as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from pneumo_tf.models.graph import INPUT_NAME, INPUT_PREFIX, head_layers
from pneumo_tf.recipe import Phase


@dataclass(frozen=True)
class Frozen:
    """Both parts of a network. They share its layers: what one trains, the network has learned.

    Args:
        below: Films to features. Nothing in it moves.
        above: Features to logits.
    """

    below: keras.Model
    above: keras.Model

    @property
    def layers(self) -> list[keras.Layer]:
        """The layers of both."""
        return [*self.below.layers, *self.above.layers]

    def __call__(self, films: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Films to logits, the lower part always as at inference.

        That is how Keras' guide to transfer learning calls a frozen base: `training=False`. It switches off
        the dropped paths of EfficientNet, the only backbone here with randomness of its own.
        """
        return self.above(self.below(films, training=False), training=training)


def frozen_part(model: keras.Model, phase: Phase, moving: Sequence[keras.Variable]) -> Frozen | None:
    """Cuts a network at the highest tensor that all paths go through and below which nothing moves.

    Args:
        model: From `pneumo_tf.models.registry.build`.
        phase: Says whether anything stays as it is.
        moving: What the phase trains, from `moving_variables`.

    Returns:
        Both parts, or None where the whole network moves. With a trained head alone the cut lies behind the
        pooling.
    """
    if not phase.frozen:
        return None
    trained = {id(variable) for variable in moving}
    _, *head = (layer.name for layer in head_layers(model))
    last_use = {
        id(tensor): place
        for place, layer in enumerate(model.layers)
        for tensor in keras.tree.flatten(layer.input)
    }
    reach, cut = 0, None
    for place, layer in enumerate(model.layers):
        if layer.name in head or any(id(variable) in trained for variable in layer.variables):
            break
        if reach <= place:
            cut = layer
        reach = max(reach, last_use[id(layer.output)])
    if cut is None or cut.name == INPUT_NAME or cut.name.startswith(INPUT_PREFIX):
        return None
    return Frozen(
        keras.Model(model.input, cut.output, name="below"),
        keras.Model(cut.output, model.output, name="above"),
    )
