"""Loading of published weight files into a backbone, with a clear error for a file that does not fit."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import keras
import numpy as np
import safetensors
import safetensors.numpy

from pneumo_tf.errors import UserError
from pneumo_tf.models.architecture import Architecture
from pneumo_tf.models.graph import backbone_layers


def load_initial_weights(model: keras.Model, architecture: Architecture, path: Path) -> None:
    """Load the backbone's weights from a file; if any does not fit, none is changed.

    Args:
        model: Model built for `architecture`.
        architecture: Registry entry of the backbone.
        path: Weights file: `.h5` in Keras' layout, or `.safetensors` with torchvision's names.

    Raises:
        UserError: If the file is missing, unreadable, or made for another network.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file of initial weights for {architecture.name}")
    read = _from_safetensors if path.suffix == ".safetensors" else _from_h5
    layers = [layer for layer in backbone_layers(model) if layer.weights]
    try:
        values = read(path, layers)
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{path.name} cannot be read as initial weights of {architecture.name}: {error}"
        ) from None
    except ValueError as error:
        raise UserError(f"{path.name} does not fit {architecture.name}: {error}") from None
    for variable, value in values:
        variable.assign(value)


def _from_h5(path: Path, layers: Sequence[keras.Layer]) -> list[tuple[keras.Variable, np.ndarray]]:
    """Pair variables with arrays of a Keras file by order, as Keras does; names changed over the years."""
    with h5py.File(path) as file:
        arrays = list(_h5_arrays(file.get("model_weights", file)))
    variables = [variable for layer in layers for variable in layer.weights]
    if len(arrays) != len(variables):
        raise ValueError(f"it holds {len(arrays)} arrays, the backbone {len(variables)}")
    return [(variable, _fitted(array, variable)) for array, variable in zip(arrays, variables, strict=True)]


def _h5_arrays(group: h5py.Group) -> Iterator[np.ndarray]:
    for name in _names(group, "layer_names"):
        # EfficientNet files also have the statistics of the input normalisation, which are constants here.
        if not name.startswith("normalization"):
            for weight in _names(group[name], "weight_names"):
                yield group[name][weight][()]


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Read a list of names, which Keras splits into numbered attributes if it is long."""
    parts = [key for key in group.attrs if re.fullmatch(rf"{attribute}\d*", key)]
    if not parts:
        raise KeyError(f"no {attribute}: not a file of layer weights")
    parts.sort(key=lambda key: int(key.removeprefix(attribute) or 0))
    return [
        name.decode() if isinstance(name, bytes) else str(name) for key in parts for name in group.attrs[key]
    ]


def _fitted(array: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """Reshape an array to the variable's shape, which may differ in axes of length one.

    ConvNeXt's files have depthwise kernels (7, 7, 1, C) and scales (C,); its graph here has (7, 7, C, 1) and
    (1, 1, C, 1).
    """
    shape = tuple(variable.shape)
    if [n for n in array.shape if n != 1] != [n for n in shape if n != 1]:
        raise ValueError(f"{variable.path} is {shape}, in the file {array.shape}")
    return array.reshape(shape)


_TORCH_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _from_safetensors(path: Path, layers: Sequence[keras.Layer]) -> list[tuple[keras.Variable, np.ndarray]]:
    """Pair variables with the arrays of a PyTorch file by name: `layer1_0_conv1` reads `layer1.0.conv1`."""
    tensors = safetensors.numpy.load_file(path)
    arrays = {name.replace(".", "_"): array for name, array in tensors.items() if _in_backbone(name)}
    variables = {
        f"{layer.name}_{_TORCH_NAMES[variable.name]}": variable
        for layer in layers
        for variable in layer.weights
    }
    differing = sorted(arrays.keys() ^ variables.keys())
    if differing:
        where = "only in the file" if differing[0] in arrays else "not in the file"
        raise ValueError(f"{differing[0]} is {where}")
    return [(variable, _from_torch(arrays[name], variable)) for name, variable in variables.items()]


def _in_backbone(name: str) -> bool:
    return not name.startswith("fc.") and not name.endswith("num_batches_tracked")


def _from_torch(array: np.ndarray, variable: keras.Variable) -> np.ndarray:
    if array.ndim == 4:
        array = array.transpose(2, 3, 1, 0)  # OIHW → HWIO
    if array.shape != tuple(variable.shape):
        raise ValueError(f"{variable.path} is {tuple(variable.shape)}, in the file {array.shape}")
    return array
