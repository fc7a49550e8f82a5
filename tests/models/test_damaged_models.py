"""A damaged model file is one error that names it; a whole one opens as it was saved."""

import io
import zipfile

import keras
import numpy as np
import pytest

from pneumo_tf.models.registry import build
from pneumo_tf.models.saved_model import load_saved_model
from pneumo_tf.recipe import Head, Phase, Recipe
from pneumo_tf.stored_files import DamagedFile

RECIPE = Recipe("net", "conv3_bn", (Phase(1, 1e-3),), size=32)
NOISE = np.random.default_rng(0).bytes(700)


def saved(path, architecture="conv3_bn", size=32, classes=2):
    model = build(architecture, head=Head(classes=classes), size=size, weights=None)
    model.save(path)
    keras.backend.clear_session()
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("whole") / "model.keras")


def with_member(whole, name, content):
    """The archive with other content of one member, or without it if that is None."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(buffer, "w") as target:
        for member in source.namelist():
            kept = content if member == name else source.read(member)
            if kept is not None:
                target.writestr(member, kept)
    return buffer.getvalue()


DAMAGE = {
    "empty": lambda whole: b"",
    "noise": lambda whole: NOISE,
    "half": lambda whole: whole[: len(whole) // 2],
    "byte": lambda whole: whole[:-20_000] + bytes([whole[-20_000] ^ 255]) + whole[-19_999:],
    "no members": lambda whole: b"PK\x05\x06" + bytes(18),
    "no config": lambda whole: with_member(whole, "config.json", None),
    "config is a list": lambda whole: with_member(whole, "config.json", b"[]"),
    "config is cut": lambda whole: with_member(whole, "config.json", b'{"module": "keras"'),
    "no weights": lambda whole: with_member(whole, "model.weights.h5", None),
    "weights are noise": lambda whole: with_member(whole, "model.weights.h5", NOISE),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_model_is_one_line(whole, tmp_path, damage):
    path = tmp_path / "model.keras"
    path.write_bytes(damage(whole))
    with pytest.raises(DamagedFile) as caught:
        load_saved_model(path, RECIPE)
    assert str(caught.value) == f"{path}: cannot be read as a Keras model; run it again with --fresh"


@pytest.mark.parametrize("other", [{"architecture": "conv3"}, {"size": 64}, {"classes": 1}])
def test_the_model_of_another_run_is_refused(tmp_path, other):
    path = tmp_path / "model.keras"
    saved(path, **other)
    with pytest.raises(DamagedFile, match="that does not fit the recipe net"):
        load_saved_model(path, RECIPE)


def test_a_whole_model_opens_with_its_weights(whole, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(whole)
    films = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 1), np.uint8)
    expected = keras.saving.load_model(path)(films)
    np.testing.assert_array_equal(load_saved_model(path, RECIPE)(films), expected)
