"""Layers that can be explained, and checks of the model."""

from collections.abc import Sequence

import keras

from pneumo_tf.data.target_classes import TARGET_CLASSES
from pneumo_tf.errors import UserError, unknown
from pneumo_tf.models.graph import cam_layer, check_flat
from pneumo_tf.models.registry import ARCHITECTURES

_FLOAT_LAYER = "input_float"


def check_model(model: keras.Model) -> None:
    """Check that a model can be explained.

    Raises:
        UserError: If the model holds another model, takes something other than grey films, or does not end in
            one, two or three logits.
    """
    check_flat(model)
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 1 or None in shapes[0][1:]:
        raise UserError(f"{model.name} takes {shapes}, not grey films (n, side, side, 1)")
    outputs = [tuple(tensor.shape) for tensor in model.outputs]
    if len(outputs) != 1 or len(outputs[0]) != 2 or outputs[0][1] not in TARGET_CLASSES:
        raise UserError(f"{model.name} gives {outputs}, not one, two or three logits per film")


def check_target(model: keras.Model, target: object) -> None:
    """Check that the explained target is the score or a class of the model.

    Raises:
        UserError: If it is not. The message lists the classes.
    """
    # A single logit has two classes as well: its negative is the logit of normal.
    classes = TARGET_CLASSES[max(2, model.outputs[0].shape[1])]
    if target != "score" and target not in range(len(classes)):
        named = ", ".join(f"{index} ({name})" for index, name in enumerate(classes))
        raise UserError(f'unknown target {target!r}; it is "score" or one of {named}')


def film_in_float(model: keras.Model) -> keras.KerasTensor:
    """Return the tensor of the film in floating point, grey levels 0–255, for which gradients exist.

    Raises:
        UserError: If the model takes integers and has no layer that casts them.
    """
    if "float" in model.inputs[0].dtype:
        return model.inputs[0]
    if _FLOAT_LAYER not in [layer.name for layer in model.layers]:
        raise UserError(f"{model.name} takes integers and has no layer {_FLOAT_LAYER!r} that casts them")
    return model.get_layer(_FLOAT_LAYER).output


def choose_layers(model: keras.Model, wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the layers to explain.

    Args:
        model: Model that passed `check_model`.
        wanted: A layer; several layers, to be fused; or None for the one that the registry names for the
            model's architecture.

    Raises:
        UserError: If there is no such layer, or it has no height and width.
    """
    if wanted is None:
        if model.name not in ARCHITECTURES:
            raise UserError(
                f"{model.name} is not in the registry of architectures: name the layer to explain"
            )
        wanted = cam_layer(model, ARCHITECTURES[model.name])
    chosen = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    if not chosen:
        raise UserError("no layer to explain was named")
    names = [layer.name for layer in model.layers]
    spatial = [layer.name for layer in model.layers if _is_spatial(layer)]
    for name in chosen:
        if name not in names:
            raise unknown("layer", name, names)
        if name not in spatial:
            raise UserError(
                f"layer {name!r} of {model.name} has no height and width to draw a map on; "
                f"the last that has is {spatial[-1]!r}"
                if spatial
                else f"{model.name} has no layer with height and width"
            )
    return chosen


def _is_spatial(layer: keras.Layer) -> bool:
    output = layer.output
    return isinstance(output, keras.KerasTensor) and len(output.shape) == 4 and "float" in output.dtype
