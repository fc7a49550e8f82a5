"""Registry of architectures; Keras is imported only when one is built."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo_tf.errors import UserError, unknown
from pneumo_tf.models import convnext, keras_applications, resnet18, small_cnn
from pneumo_tf.models.architecture import Architecture

if TYPE_CHECKING:
    import keras

    from pneumo_tf.recipe import Head

_FAMILIES = (keras_applications, convnext, resnet18, small_cnn)

ARCHITECTURES: Mapping[str, Architecture] = {
    entry.name: entry for family in _FAMILIES for entry in family.ENTRIES
}
"""Every architecture by name; an entry is in the module of its builder."""


def architecture(name: str) -> Architecture:
    """Return the entry of an architecture.

    Raises:
        UserError: If the name is unknown; the message suggests the nearest.
    """
    if name not in ARCHITECTURES:
        raise unknown("architecture", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def build(name: str, *, head: "Head", size: int, weights: Path | None = None) -> "keras.Model":
    """Build a model under the global dtype policy.

    Example: `build("densenet121", head=Head(dropout=0.5), size=224)`.

    Args:
        name: Key of `ARCHITECTURES`.
        head: Layers after the backbone.
        size: Side of the films in pixels.
        weights: File for the backbone; None keeps the random initialisation, which
            `keras.utils.set_random_seed` makes reproducible.

    Returns:
        A functional model without nested models: uint8 films (N, size, size, 1), grey levels 0–255 → float32
        logits (N, classes). Names of input layers start with `input_`, names of head layers with `head_`.

    Raises:
        UserError: For an unknown name, too small a size, or a weights file that does not fit.
    """
    entry = architecture(name)
    if weights is not None and entry.weights is None:
        raise UserError(f"{name} is trained from scratch: no initial weights are published for it")
    from pneumo_tf.models import graph
    from pneumo_tf.models.initial_weights import load_initial_weights

    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(module), function)
    model = graph.assemble(entry, builder, head=head, size=size)
    if weights is not None:
        load_initial_weights(model, entry, Path(weights))
    return model
