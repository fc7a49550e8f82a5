"""Every entry of the registry against what it states: a new entry is tested without a change here."""

import dataclasses
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pneumo_tf.costs.flops import forward_flops
from pneumo_tf.errors import UserError
from pneumo_tf.models.graph import backbone_layers, cam_layer, head_layers, last_stage_layers
from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.recipe import Head
from tests.costs.test_flops import profiled
from tests.models.conftest import HEAD, films

CHEAP = ("mobilenetv2", "convnext_tiny", "resnet18", "conv4_gray")


@pytest.fixture
def bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_takes_uint8_films_and_gives_float32_logits(built):
    entry, model = built
    side = entry.minimum_size
    assert model.name == entry.name
    assert (model.input.name, model.input.dtype, model.input.shape) == (
        "film",
        "uint8",
        (None, side, side, 1),
    )
    logits = model(films(side))
    assert (logits.shape, logits.dtype) == ((4, 2), tf.float32)
    assert np.isfinite(logits).all()
    assert np.ptp(logits, axis=0).max() > 0, "every film scores alike"


def test_graph_is_flat_and_of_keras_own_layers(built):
    _, model = built
    for layer in model.layers:
        assert not isinstance(layer, keras.Model | keras.layers.Lambda), layer.name
        assert type(layer).__module__.startswith("keras."), layer.name
        assert not list(layer._flatten_layers(include_self=False)), f"{layer.name} has layers inside"
        assert len(layer._inbound_nodes) == 1, f"{layer.name} is used twice"
    assert sum(layer.count_params() for layer in model.layers) == model.count_params()


def test_layers_belong_to_input_backbone_or_head(built):
    _, model = built
    names = [layer.name for layer in model.layers]
    head, backbone = head_layers(model), backbone_layers(model)
    inputs = [name for name in names if name == "film" or name.startswith("input_")]
    assert names == inputs + [layer.name for layer in backbone] + [layer.name for layer in head]
    assert [layer.name for layer in head] == [
        "head_pool",
        "head_dense_1",
        "head_bn_1",
        "head_relu_1",
        "head_dropout",
        "head_logits",
    ]
    assert not any(model.get_layer(name).weights for name in inputs)


def test_backbone_has_the_stated_parameters_and_norm(built):
    entry, model = built
    layers = backbone_layers(model)
    assert sum(layer.count_params() for layer in layers) == entry.parameters
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in layers) == entry.batch_norm


def test_logit_has_a_gradient_at_the_cam_layers(built):
    entry, model = built
    for name in filter(None, (cam_layer(model, entry), entry.published_cam_layer)):
        assert len(model.get_layer(name).output.shape) == 4
        gradients = _gradient_at(model, name, films(entry.minimum_size))
        assert np.isfinite(gradients).all()
        assert np.abs(gradients).max() > 0


def test_cam_layer_is_the_last_activation_of_the_backbone(built):
    entry, model = built
    names = [layer.name for layer in backbone_layers(model)]
    after = names[names.index(cam_layer(model, entry)) + 1 :]
    assert all("pool" in name for name in after), after


def test_last_stage_is_a_weighted_part_of_the_end(built):
    entry, model = built
    layers = [layer.name for layer in backbone_layers(model) if layer.weights]
    last = [layer.name for layer in last_stage_layers(model, entry) if layer.weights]
    assert last
    assert len(last) < len(layers)
    assert last == layers[-len(last) :]
    assert not {*last} & {layer.name for layer in head_layers(model)}


def test_every_weight_has_a_finite_gradient(restored):
    entry, model = restored
    check_gradients(model, entry.minimum_size)


def test_input_is_normalised_as_published(built):
    entry, model = built
    grey = films(entry.minimum_size)
    probe = keras.Model(model.input, model.get_layer("input_normalisation").output)
    rgb = np.repeat(grey, entry.channels, axis=-1).astype(np.float32)
    expected = published_normalisation(entry, rgb)
    np.testing.assert_allclose(probe(grey), expected, rtol=1e-5, atol=1e-5)


BY_DEFINITION = {
    "unit": lambda rgb: rgb / 255,
    "symmetric": lambda rgb: (rgb / 255 - 0.5) / 0.5,
    "imagenet": lambda rgb: keras.applications.imagenet_utils.preprocess_input(rgb.copy(), mode="torch"),
}


def published_normalisation(entry, rgb):
    """What Keras or, for the networks it does not have, the publisher does to RGB levels 0–255."""
    if "application" in entry.options:
        make = getattr(keras.applications, entry.options["application"])
        published = sys.modules[make.__module__].preprocess_input(rgb.copy())
        # Some networks normalise inside: there the whole of them is compared in test_initial_weights.
        if not np.array_equal(published, rgb):
            return published
    return BY_DEFINITION[entry.normalisation](rgb)


def check_gradients(model, size):
    images, labels = films(size), np.array([0, 1, 0, 1])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(labels, model(images, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, f"{variable.path} is not reached"
        assert np.isfinite(gradient).all(), variable.path


def _gradient_at(model, name, images):
    probe = keras.Model(model.input, [model.get_layer(name).output, model.output])
    with tf.GradientTape() as tape:
        maps, logits = probe(images, training=False)
        margin = logits[:, 1] - logits[:, 0]
    return tape.gradient(margin, maps).numpy()


EVERY_IN_BFLOAT16 = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in CHEAP else pytest.mark.slow) for name in ARCHITECTURES]
)


@EVERY_IN_BFLOAT16
def test_bfloat16_keeps_input_and_logits_in_float32(name, bfloat16):
    entry = ARCHITECTURES[name]
    keras.utils.set_random_seed(0)
    model = build(name, head=HEAD, size=entry.minimum_size)
    for layer in model.layers:
        precise = layer.name.startswith("input_") or layer.name in ("film", "head_logits")
        if layer.name != "film":
            assert layer.compute_dtype == ("float32" if precise else "bfloat16"), layer.name
    assert model(films(entry.minimum_size)).dtype == tf.float32
    check_gradients(model, entry.minimum_size)
    keras.backend.clear_session()


def test_grey_levels_stay_apart_in_bfloat16(bfloat16):
    model = build("mobilenetv2", head=Head(), size=32)
    levels = np.zeros((1, 32, 32, 1), np.uint8)
    levels[0, :8, :, 0] = np.arange(256).reshape(8, 32)
    normalised = keras.Model(model.input, model.get_layer("input_normalisation").output)(levels)
    assert len(np.unique(normalised[0, :8, :, 0])) == 256


@pytest.mark.parametrize("name", ["conv3", "efficientnet_b0"])
def test_seed_reproduces_the_random_weights(name):
    first, second = drawn(name, seed=1), drawn(name, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_another_seed_draws_other_weights():
    first, second = drawn("conv3", seed=1), drawn("conv3", seed=2)
    assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def drawn(name, seed):
    keras.utils.set_random_seed(seed)
    return build(name, head=Head(), size=32).get_weights()


def test_head_follows_its_description():
    assert [layer.name for layer in head_layers(build("conv3", head=Head(), size=32))] == [
        "head_pool",
        "head_logits",
    ]
    single = build("conv3", head=Head(pool="flatten", units=(8, 4), classes=1), size=32)
    assert single.output.shape == (None, 1)
    assert single.get_layer("head_pool").output.shape == (None, 4 * 4 * 128)
    assert [layer.name for layer in head_layers(single)] == [
        "head_pool",
        "head_dense_1",
        "head_relu_1",
        "head_dense_2",
        "head_relu_2",
        "head_logits",
    ]


def test_a_nested_model_is_refused_with_its_name(monkeypatch):
    def backbone(x, **options):
        return keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Conv2D(4, 3)], name="inner")(x)

    monkeypatch.setattr("pneumo_tf.models.small_cnn.backbone", backbone)
    with pytest.raises(UserError, match="layer 'inner' of conv3 is a nested model"):
        build("conv3", head=Head(), size=32)


def test_published_custom_cnn_has_its_parameters():
    model = build("conv3_gray", head=Head(pool="flatten", units=(256,), dropout=0.5), size=224)
    assert model.count_params() == 25_783_554


def test_resnet18_has_as_many_trained_parameters_as_pytorch():
    model = build("resnet18", head=Head(), size=32)
    trained = [weight for layer in backbone_layers(model) for weight in layer.trainable_weights]
    assert sum(int(np.prod(weight.shape)) for weight in trained) == 11_176_512


@pytest.mark.slow
def test_activation_estimate_is_of_the_order_of_the_layer_outputs(built):
    entry, model = built
    area = (entry.size / entry.minimum_size) ** 2
    outputs = sum(int(np.prod(layer.output.shape[1:])) for layer in backbone_layers(model)) * 4e-6 * area
    assert 0.5 * outputs < entry.activation_mb < 3.5 * outputs


@pytest.mark.slow
def test_operations_equal_the_profiler(built):
    _, model = built
    assert forward_flops(model) == profiled(model)


@pytest.mark.parametrize(
    ("stage", "first"), [(0.5, "block2_conv"), (0.1, "block3_conv"), (0.99, "block1_conv")]
)
def test_last_stage_as_a_share_of_the_weighted_layers(stage, first):
    entry = dataclasses.replace(ARCHITECTURES["conv3"], last_stage=stage)
    layers = last_stage_layers(build("conv3", head=Head(), size=32), entry)
    assert (layers[0].name, layers[-1].name) == (first, "block3_pool")


@pytest.mark.parametrize("stage", [0, 1.0, 2])
def test_last_stage_is_a_pattern_or_a_share(stage):
    with pytest.raises(UserError, match="conv3: last_stage must be a pattern or between 0 and 1"):
        dataclasses.replace(ARCHITECTURES["conv3"], last_stage=stage)


def test_cam_layer_is_the_last_with_height_and_width_unless_named():
    model, entry = build("conv3", head=Head(), size=32), ARCHITECTURES["conv3"]
    assert cam_layer(model, entry) == "block3_relu"
    assert cam_layer(model, dataclasses.replace(entry, cam_layer=None)) == "block3_pool"


def test_the_stated_operations_are_those_of_the_graph(built):
    entry, model = built
    # At the smallest side, borders make the area a rough guide.
    assert entry.flops(entry.minimum_size) == pytest.approx(forward_flops(model), rel=0.35)
