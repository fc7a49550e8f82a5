import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from pneumo_tf.data.augment import draw
from pneumo_tf.data.batches import TrainingFilms, change
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Augment, Head, Phase, Recipe
from pneumo_tf.training import feature_cache as module
from pneumo_tf.training.feature_cache import CHUNK, Features

SIDE, FILMS = 32, 150
RECIPE = Recipe("x", "conv3_bn", size=SIDE, augment=Augment(rotation=20, crop_area=(0.5, 1.0)))
VIEW = (3, 0, 1)
RNG = np.random.default_rng(0)
SOURCES = RNG.integers(0, 255, (FILMS, 46, 46), np.uint8)
ALL = TrainingFilms(
    SOURCES[:, :SIDE, :SIDE].copy(), SOURCES, np.zeros(FILMS, int), np.arange(100), np.arange(100, 130)
)


@pytest.fixture(scope="module")
def below():
    keras.utils.set_random_seed(0)
    model = build("conv3_bn", head=Head(), size=SIDE)
    return keras.Model(model.input, model.get_layer("head_pool").output)


@pytest.fixture
def features(below, tmp_path):
    return Features(below, RECIPE, ALL, tmp_path, xla=False)


def test_features_are_those_of_the_films_as_they_are_or_as_a_view_has_them(below, features):
    plain, seen = features.of(ALL.validation), features.of(ALL.train, VIEW)
    expected = below(ALL.pixels[ALL.validation][..., None], training=False)
    np.testing.assert_allclose(plain[ALL.validation], expected, rtol=1e-5, atol=1e-5)
    draws = draw(RECIPE.augment, FILMS, SIDE, *VIEW)
    rows = ALL.train
    films = change(SOURCES[rows][..., None], draws.warp[rows], None, side=SIDE, fill="nearest")
    np.testing.assert_allclose(seen[rows], below(films, training=False), rtol=1e-5, atol=1e-5)


def test_features_do_not_depend_on_what_else_was_missing(below, tmp_path):
    at_once = Features(below, RECIPE, ALL, tmp_path / "a", xla=False).of(np.arange(FILMS), VIEW)
    piecewise, sizes = Features(below, RECIPE, ALL, tmp_path / "b", xla=False), []
    # On a CPU some networks, ConvNeXt for one, round differently in batches of another size.
    function = piecewise.function
    piecewise.function = lambda films: sizes.append(len(films)) or function(films)
    for wanted in ([5, 140, 7], np.arange(90, 120), np.arange(FILMS)):
        last = piecewise.of(np.asarray(wanted), VIEW)
    np.testing.assert_array_equal(at_once, last)
    assert set(sizes) == {CHUNK}


def test_other_trainings_compute_only_what_is_missing(features, below, tmp_path):
    told = []
    features.of(np.arange(100), VIEW, lambda *chunks: told.append(chunks))
    assert told == [(1, 2), (2, 2)]
    # Another protocol, head and batch: the same films, seen the same way.
    recipe = dataclasses.replace(RECIPE, batch=7, head=Head(units=(3,)), class_weights="balanced")
    split = dataclasses.replace(ALL, train=np.arange(50, 120), validation=np.arange(20))
    other = Features(below, recipe, split, tmp_path, xla=False)
    told.clear()
    other.of(split.train, VIEW, lambda *chunks: told.append(chunks))
    assert told == [(1, 1)]
    assert len(list(tmp_path.glob("*.npy"))) == 1


def changed_weights(below):
    copy = keras.models.clone_model(below)
    weights = below.get_weights()
    # The last of them are batch norm's statistics.
    copy.set_weights([*weights[:-1], weights[-1] * 1.001])
    return copy


@pytest.mark.parametrize(
    "difference",
    ["weights", "policy", "pixels", "sources", "augment", "fill", "seed", "phase", "epoch", "no view"],
)
def test_whatever_features_depend_on_makes_another_file(features, below, tmp_path, difference):
    view, recipe, films, network = VIEW, RECIPE, ALL, below
    if difference == "weights":
        network = changed_weights(below)
    elif difference == "policy":
        config = below.get_config()
        for layer in config["layers"]:
            if layer["class_name"] == "Conv2D":
                layer["config"]["dtype"] = "mixed_bfloat16"
        network = keras.Model.from_config(config)
        network.set_weights(below.get_weights())
    elif difference in ("pixels", "sources"):
        array = getattr(ALL, difference).copy()
        array[-1, -1, -1] ^= 1
        films = dataclasses.replace(ALL, **{difference: array})
        view = None if difference == "pixels" else VIEW
    elif difference in ("augment", "fill"):
        values = {"rotation": 21.0} if difference == "augment" else {"fill": "black"}
        recipe = dataclasses.replace(RECIPE, augment=dataclasses.replace(RECIPE.augment, **values))
    elif difference == "no view":
        view = None
    else:
        at = ("seed", "phase", "epoch").index(difference)
        view = tuple(value + (place == at) for place, value in enumerate(VIEW))
    features.of(np.arange(3), None if difference == "pixels" else VIEW)
    Features(network, recipe, films, tmp_path, xla=False).of(np.arange(3), view)
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize(
    ("where", "name", "other"),
    [
        (module.tf.config, "list_physical_devices", lambda kind: ["GPU:0"]),
        (module.cv2, "__version__", "6.0"),
        (module.tf, "__version__", "3.0"),
        (module.keras, "__version__", "4.0"),
        (module, "HARNESS_VERSION", 0),
    ],
)
def test_another_kind_of_device_or_another_version_makes_another_file(
    features, tmp_path, monkeypatch, where, name, other
):
    features.of(np.arange(3))
    monkeypatch.setattr(where, name, other)
    features.of(np.arange(3))
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize("how", [{"xla": True}, {"xla": False, "chunk": CHUNK // 2}])
def test_features_computed_in_another_way_are_in_another_file(features, below, tmp_path, how):
    features.of(np.arange(3))
    Features(below, RECIPE, ALL, tmp_path, **how).of(np.arange(3))
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_size_and_free_disk(below, tmp_path, monkeypatch):
    phases = (Phase(9, 1e-3, train="head"),)
    recipe = dataclasses.replace(RECIPE, phases=phases, views=4)
    features = Features(below, recipe, ALL, tmp_path / "not" / "yet", xla=False)
    width = below.output.shape[-1]
    megabytes = width * 4 / 1e6
    assert features.missing_megabytes(7, 0) == pytest.approx((4 * 100 + 30) * megabytes)
    features.of(ALL.train[:60], (7, 0, 1))
    features.of(ALL.validation)
    assert features.missing_megabytes(7, 0) == pytest.approx((4 * 100 - 60) * megabytes)
    assert features.missing_megabytes(8, 0) == pytest.approx(4 * 100 * megabytes)
    plain = Features(
        below, dataclasses.replace(recipe, augment=Augment()), ALL, tmp_path / "plain", xla=False
    )
    assert plain.missing_megabytes(7, 0) == pytest.approx(130 * megabytes)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e6))
    assert features.free_megabytes == 5
