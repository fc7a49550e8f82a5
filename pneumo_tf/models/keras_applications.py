"""Backbones that Keras itself provides, joined to our input as part of one flat graph."""

from typing import Any

import keras


def backbone(
    x: keras.KerasTensor, *, application: str, start: str | None = None, **options: Any
) -> keras.KerasTensor:
    """Builds one of `keras.applications` on a tensor of ours, with random weights.

    Args:
        x: Normalised films (N, H, W, 3).
        application: Name in `keras.applications`, such as `"DenseNet121"`.
        start: First layer to keep, for an application whose own normalisation cannot be switched off.
        **options: Further arguments of the application.

    Returns:
        Feature map (N, h, w, C).
    """
    make = getattr(keras.applications, application)
    if start is None:
        return make(include_top=False, weights=None, input_tensor=x, **options).output
    own = make(include_top=False, weights=None, input_shape=x.shape[1:], **options)
    return _rebuilt(own, own.get_layer(start).input, x)


def _rebuilt(model: keras.Model, tensor: keras.KerasTensor, x: keras.KerasTensor) -> keras.KerasTensor:
    """Makes the layers that follow `tensor` anew, on `x`: a layer called twice would have two outputs."""
    made = {id(tensor): x}
    for layer in model.layers:
        inputs = keras.tree.flatten(layer.input)
        if inputs and all(id(source) in made for source in inputs):
            sources = [made[id(source)] for source in inputs]
            copy = type(layer).from_config(layer.get_config())
            made[id(layer.output)] = copy(sources if len(sources) > 1 else sources[0])
    return made[id(model.output)]
