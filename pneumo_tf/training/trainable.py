"""Trainable variables of a phase, and initial statistics of batch norm."""

import keras
import numpy as np

from pneumo_tf.models.architecture import Architecture
from pneumo_tf.models.graph import backbone_layers, head_layers, last_stage_layers
from pneumo_tf.recipe import Phase


def set_trainable(model: keras.Model, architecture: Architecture, phase: Phase) -> list[keras.Variable]:
    """Set the trainable layers of a phase and return its variables.

    In Keras, `BatchNormalization.trainable` controls both whether scale and shift are trained and whether the
    statistics of the batch are used. A phase separates the two: the flag is set for the statistics, and scale
    and shift are returned with the other variables.

    Args:
        model: Model from `pneumo_tf.models.registry.build`; its `trainable` flags are set.
        architecture: Registry entry of the backbone.
        phase: Phase with the trainable part and the mode of batch norm.

    Returns:
        The variables for the optimiser.
    """
    head, backbone = head_layers(model), backbone_layers(model)
    parts = {"head": [], "last_stage": last_stage_layers(model, architecture), "all": backbone}
    # Layer by layer, because a model that is already trainable does not pass the flag on to its layers.
    for layer in [*backbone, *head]:
        layer.trainable = True
    variables = [variable for layer in [*parts[phase.train], *head] for variable in layer.trainable_variables]
    for layer in backbone:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = phase.batch_norm == "training"
    return variables


def calibrate_batch_norm(model: keras.Model, films: np.ndarray) -> None:
    """Set the batch-norm statistics of a randomly initialised backbone to those of some training films.

    With Keras' initial statistics (mean 0, variance 1), the features of a random MobileNetV2 in inference
    mode shrink layer by layer to nearly 0, and no head can learn from them. Even if statistics are updated,
    with Keras' momentum of .99, a short training would still be evaluated mostly with the initial ones.

    Args:
        model: The model; its stored statistics are replaced.
        films: (b, side, side, 1) uint8 training films.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momentum = [layer.momentum for layer in norms]
    for layer in norms:
        layer.trainable, layer.momentum = True, 0.0
    model(films, training=True)
    for layer, value in zip(norms, momentum, strict=True):
        layer.momentum = value
