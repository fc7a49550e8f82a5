import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pneumo_tf.data.augment import random_transforms
from pneumo_tf.data.batches import TrainingFilms, transform_films
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Augment, Head, Phase, Recipe
from pneumo_tf.training import feature_cache as module
from pneumo_tf.training.feature_cache import CHUNK, FeatureCache

SIDE, FILMS = 32, 150
RECIPE = Recipe("x", "conv3_bn", size=SIDE, augment=Augment(rotation=20, crop_area=(0.5, 1.0)))
VIEW = (3, 0, 1)
RNG = np.random.default_rng(0)
SOURCES = RNG.integers(0, 255, (FILMS, 46, 46), np.uint8)
ALL = TrainingFilms(
    SOURCES[:, :SIDE, :SIDE].copy(), SOURCES, np.zeros(FILMS, int), np.arange(100), np.arange(100, 130)
)


@pytest.fixture(scope="module")
def extractor():
    keras.utils.set_random_seed(0)
    model = build("conv3_bn", head=Head(), size=SIDE)
    return keras.Model(model.input, model.get_layer("head_pool").output)


@pytest.fixture
def cache(extractor, tmp_path):
    return FeatureCache(extractor, RECIPE, ALL, tmp_path, xla=False)


def test_features_are_those_of_the_films_as_they_are_or_as_a_view_has_them(extractor, cache):
    plain, augmented = cache.features(ALL.validation), cache.features(ALL.train, VIEW)
    expected = extractor(ALL.pixels[ALL.validation][..., None], training=False)
    np.testing.assert_allclose(plain[ALL.validation], expected, rtol=1e-5, atol=1e-5)
    transforms = random_transforms(RECIPE.augment, FILMS, SIDE, *VIEW)
    rows = ALL.train
    films = transform_films(SOURCES[rows][..., None], transforms.warp[rows], None, side=SIDE, fill="nearest")
    np.testing.assert_allclose(augmented[rows], extractor(films, training=False), rtol=1e-5, atol=1e-5)


def test_features_do_not_depend_on_what_else_was_missing(extractor, tmp_path):
    at_once = FeatureCache(extractor, RECIPE, ALL, tmp_path / "a", xla=False).features(np.arange(FILMS), VIEW)
    piecewise, sizes = FeatureCache(extractor, RECIPE, ALL, tmp_path / "b", xla=False), []
    # On a CPU some networks, ConvNeXt for one, round differently in batches of another size.
    function = piecewise.function
    piecewise.function = lambda films: sizes.append(len(films)) or function(films)
    for rows in ([5, 140, 7], np.arange(90, 120), np.arange(FILMS)):
        last = piecewise.features(np.asarray(rows), VIEW)
    np.testing.assert_array_equal(at_once, last)
    assert set(sizes) == {CHUNK}


def test_other_trainings_compute_only_what_is_missing(cache, extractor, tmp_path):
    calls = []
    cache.features(np.arange(100), VIEW, lambda *chunks: calls.append(chunks))
    assert calls == [(1, 2), (2, 2)]
    # Another protocol, head and batch: the same films, seen the same way.
    recipe = dataclasses.replace(RECIPE, batch=7, head=Head(units=(3,)), class_weights="balanced")
    split = dataclasses.replace(ALL, train=np.arange(50, 120), validation=np.arange(20))
    other = FeatureCache(extractor, recipe, split, tmp_path, xla=False)
    calls.clear()
    other.features(split.train, VIEW, lambda *chunks: calls.append(chunks))
    assert calls == [(1, 1)]
    assert len(list(tmp_path.glob("*.npy"))) == 1


@pytest.mark.parametrize("fits", [16, 1])
def test_features_that_do_not_fit_the_device_are_computed_in_smaller_chunks(extractor, tmp_path, fits):
    notes, sizes = [], []
    cache = FeatureCache(extractor, RECIPE, ALL, tmp_path, xla=False, on_note=notes.append)
    function = cache.function

    def full(films):
        # The first chunk fits in any case, so that one is computed in vain.
        if sizes and len(films) > fits:
            raise tf.errors.InternalError(None, None, "Dst tensor is not initialized.")
        sizes.append(len(films))
        return function(films)

    cache.function = full
    rows = np.arange(CHUNK + 6)
    computed = cache.features(rows)
    expected = extractor(ALL.pixels[rows][..., None], training=False)
    np.testing.assert_allclose(computed[rows], expected, rtol=1e-5, atol=1e-5)
    assert sizes == [CHUNK] + -(-len(rows) // fits) * [fits]
    assert notes[-1] == f"features computed {fits} films at a time: the device ran out of memory"
    assert (cache.requested, cache.computed) == (len(rows), len(rows))


def test_another_error_of_the_device_is_raised(cache):
    def broken(films):
        raise tf.errors.InternalError(None, None, "cuDNN launch failure")

    cache.function = broken
    with pytest.raises(tf.errors.InternalError, match="launch failure"):
        cache.features(np.arange(3))


def changed_weights(extractor):
    copy = keras.models.clone_model(extractor)
    weights = extractor.get_weights()
    # The last of them are batch norm's statistics.
    copy.set_weights([*weights[:-1], weights[-1] * 1.001])
    return copy


@pytest.mark.parametrize(
    "difference",
    ["weights", "policy", "pixels", "sources", "augment", "fill", "seed", "phase", "epoch", "no view"],
)
def test_whatever_features_depend_on_makes_another_file(cache, extractor, tmp_path, difference):
    view, recipe, films, network = VIEW, RECIPE, ALL, extractor
    if difference == "weights":
        network = changed_weights(extractor)
    elif difference == "policy":
        config = extractor.get_config()
        for layer in config["layers"]:
            if layer["class_name"] == "Conv2D":
                layer["config"]["dtype"] = "mixed_bfloat16"
        network = keras.Model.from_config(config)
        network.set_weights(extractor.get_weights())
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
    cache.features(np.arange(3), None if difference == "pixels" else VIEW)
    FeatureCache(network, recipe, films, tmp_path, xla=False).features(np.arange(3), view)
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
    cache, tmp_path, monkeypatch, where, name, other
):
    cache.features(np.arange(3))
    monkeypatch.setattr(where, name, other)
    cache.features(np.arange(3))
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize(("xla", "chunk"), [(True, CHUNK), (False, CHUNK // 2)])
def test_features_computed_in_another_way_are_in_another_file(
    cache, extractor, tmp_path, monkeypatch, xla, chunk
):
    cache.features(np.arange(3))
    monkeypatch.setattr(module, "CHUNK", chunk)
    FeatureCache(extractor, RECIPE, ALL, tmp_path, xla=xla).features(np.arange(3))
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_size_and_free_disk(extractor, tmp_path, monkeypatch):
    phases = (Phase(9, 1e-3, train="head"),)
    recipe = dataclasses.replace(RECIPE, phases=phases, views=4)
    cache = FeatureCache(extractor, recipe, ALL, tmp_path / "not" / "yet", xla=False)
    width = extractor.output.shape[-1]
    megabytes = width * 4 / 1e6
    assert cache.missing_megabytes(7, 0) == pytest.approx((4 * 100 + 30) * megabytes)
    cache.features(ALL.train[:60], (7, 0, 1))
    cache.features(ALL.validation)
    assert cache.missing_megabytes(7, 0) == pytest.approx((4 * 100 - 60) * megabytes)
    assert cache.missing_megabytes(8, 0) == pytest.approx(4 * 100 * megabytes)
    plain = FeatureCache(
        extractor, dataclasses.replace(recipe, augment=Augment()), ALL, tmp_path / "plain", xla=False
    )
    assert plain.missing_megabytes(7, 0) == pytest.approx(130 * megabytes)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e6))
    assert cache.free_megabytes == 5
