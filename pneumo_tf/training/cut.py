"""A network cut into a frozen feature extractor and a classifier, for phases that train only its end."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from pneumo_tf.models.graph import INPUT_NAME, INPUT_PREFIX, head_layers
from pneumo_tf.recipe import Phase


@dataclass(frozen=True)
class CutNetwork:
    """Two parts of a network, which share its layers: training the classifier trains the network.

    Args:
        feature_extractor: Model from films to features, completely frozen.
        classifier: Model from features to logits.
    """

    feature_extractor: keras.Model
    classifier: keras.Model

    @property
    def layers(self) -> list[keras.Layer]:
        """The layers of both parts."""
        return [*self.feature_extractor.layers, *self.classifier.layers]

    def __call__(self, films: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Compute the logits of films, with the feature extractor always in inference mode.

        This follows Keras' guide to transfer learning. It turns off the stochastic depth of EfficientNet, the
        only backbone here with random layers.
        """
        return self.classifier(self.feature_extractor(films, training=False), training=training)


def cut_network(model: keras.Model, phase: Phase, variables: Sequence[keras.Variable]) -> CutNetwork | None:
    """Cut a network at the last tensor that all paths pass through and before which nothing is trained.

    Args:
        model: Model from `pneumo_tf.models.registry.build`.
        phase: Phase that states whether any layer is frozen.
        variables: The variables that the phase trains, from `set_trainable`.

    Returns:
        Both parts, or None if the whole network is trained. If only the head is trained, the cut is after its
        pooling.
    """
    if not phase.frozen:
        return None
    trained = {id(variable) for variable in variables}
    _, *head = (layer.name for layer in head_layers(model))
    last_use = {
        id(tensor): place
        for place, layer in enumerate(model.layers)
        for tensor in keras.tree.flatten(layer.input)
    }
    reach, last = 0, None
    for place, layer in enumerate(model.layers):
        if layer.name in head or any(id(variable) in trained for variable in layer.variables):
            break
        if reach <= place:
            last = layer
        reach = max(reach, last_use[id(layer.output)])
    if last is None or last.name == INPUT_NAME or last.name.startswith(INPUT_PREFIX):
        return None
    return CutNetwork(
        keras.Model(model.input, last.output, name="feature_extractor"),
        keras.Model(last.output, model.output, name="classifier"),
    )
