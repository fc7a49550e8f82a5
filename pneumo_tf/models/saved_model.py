"""Loading of saved models of runs, with one clear error for a file that is damaged or does not fit."""

import zipfile
import zlib
from pathlib import Path

import keras

from pneumo_tf.recipe import Recipe
from pneumo_tf.stored_files import DamagedFile

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Errors that Keras raises for a damaged file, without TensorFlow's own, such as a full device."""


def load_saved_model(path: Path, recipe: Recipe) -> keras.Model:
    """Load the model that a run saved.

    Args:
        path: Keras file of the model.
        recipe: Recipe of the run.

    Raises:
        DamagedFile: If the file cannot be read, or its model has another architecture, input or output.
    """
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except UNREADABLE as error:
        raise DamagedFile(path, "cannot be read as a Keras model") from error
    found = (model.name, model.input_shape, model.output_shape)
    side, classes = recipe.size, recipe.head.classes
    if found != (recipe.architecture, (None, side, side, 1), (None, classes)):
        raise DamagedFile(path, f"is a model of {model.name} that does not fit the recipe {recipe.name}")
    return model
