"""The flat Keras graph around every backbone, from a film to its logits."""

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import keras

from pneumo_tf.errors import UserError
from pneumo_tf.models.architecture import NORMALISATIONS, Architecture

if TYPE_CHECKING:
    from pneumo_tf.recipe import Head

INPUT_NAME = "film"
INPUT_PREFIX = "input_"
HEAD_PREFIX = "head_"


def assemble(
    architecture: Architecture, builder: Callable[..., keras.KerasTensor], *, head: "Head", size: int
) -> keras.Model:
    """Join input layers, backbone and head into a model with random weights.

    Args:
        architecture: Registry entry of the backbone.
        builder: Its builder, a function `(x, **options)` → feature map, both symbolic (N, H, W, C).
        head: Layers after the feature map.
        size: Side of the films in pixels.

    Returns:
        A functional model without nested models: uint8 films (N, size, size, 1) → float32 logits
        (N, classes).

    Raises:
        UserError: If the films are smaller than the architecture supports, or the builder nests a model.
    """
    if size < architecture.minimum_size:
        raise UserError(
            f"{architecture.name} takes films of {architecture.minimum_size} px or more, not {size}"
        )
    film = keras.Input((size, size, 1), dtype="uint8", name=INPUT_NAME)
    features = builder(_normalised(film, architecture), **architecture.options)
    model = keras.Model(film, _logits(features, head), name=architecture.name)
    check_flat(model)
    return model


def check_flat(model: keras.Model) -> None:
    """Check that a model contains no other model.

    Raises:
        UserError: If a layer of the model is a model.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            raise UserError(
                f"layer {layer.name!r} of {model.name} is a nested model, whose convolutions cannot be "
                "explained; build the backbone with the film as its input, so that the graph is flat"
            )


def _normalised(film: keras.KerasTensor, architecture: Architecture) -> keras.KerasTensor:
    # float32 under every policy: in bfloat16, with 8 significant bits, neighbouring grey levels would be
    # equal.
    x = keras.layers.Rescaling(1.0, dtype="float32", name="input_float")(film)
    if architecture.channels == 3:
        x = keras.layers.Concatenate(dtype="float32", name="input_channels")([x, x, x])
    table = NORMALISATIONS[architecture.normalisation]
    return keras.layers.Rescaling(table.scale, table.offset, dtype="float32", name="input_normalisation")(x)


def _logits(features: keras.KerasTensor, head: "Head") -> keras.KerasTensor:
    layers = keras.layers
    pool = layers.Flatten if head.pool == "flatten" else layers.GlobalAveragePooling2D
    x = pool(name="head_pool")(features)
    for number, units in enumerate(head.units, start=1):
        x = layers.Dense(units, name=f"head_dense_{number}")(x)
        if head.batch_norm:
            x = layers.BatchNormalization(name=f"head_bn_{number}")(x)
        x = layers.ReLU(name=f"head_relu_{number}")(x)
    if head.dropout > 0:
        x = layers.Dropout(head.dropout, name="head_dropout")(x)
    # float32 under every policy: logits rounded to 8 bits have hundreds of ties, which spoils ranks.
    return layers.Dense(head.classes, dtype="float32", name="head_logits")(x)


def head_layers(model: keras.Model) -> list[keras.Layer]:
    """Return the layers of the classifier head, from the pooling to the logits, in graph order."""
    return [layer for layer in model.layers if layer.name.startswith(HEAD_PREFIX)]


def backbone_layers(model: keras.Model) -> list[keras.Layer]:
    """Return the layers between the normalised input and the pooling, in graph order."""
    outside = (INPUT_PREFIX, HEAD_PREFIX)
    return [
        layer for layer in model.layers if layer.name != INPUT_NAME and not layer.name.startswith(outside)
    ]


def last_stage_layers(model: keras.Model, architecture: Architecture) -> list[keras.Layer]:
    """Return the backbone layers that fine-tuning of the last stage trains, in graph order."""
    backbone, stage = backbone_layers(model), architecture.last_stage
    if isinstance(stage, str):
        return [layer for layer in backbone if re.match(stage, layer.name)]
    places = [place for place, layer in enumerate(backbone) if layer.weights]
    return backbone[places[-math.ceil(stage * len(places))] :]


def cam_layer(model: keras.Model, architecture: Architecture) -> str:
    """Return the name of the layer for class activation maps: as in the entry, or the last with four axes."""
    if architecture.cam_layer is not None:
        return architecture.cam_layer
    return [layer.name for layer in backbone_layers(model) if len(layer.output.shape) == 4][-1]
