import keras
import numpy as np
import pytest
from keras import layers

from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Head, Phase
from pneumo_tf.training.cut import cut_network
from pneumo_tf.training.trainable import set_trainable

FILMS = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 1), np.uint8)
HEAD = Phase(1, 1e-3, train="head")


@pytest.fixture(scope="module")
def net():
    """Two residual blocks, the first with a path that is dropped at random, and dropout in the head."""
    keras.utils.set_random_seed(0)
    film = keras.Input((32, 32, 1), dtype="uint8", name="film")
    x = layers.Rescaling(1 / 255, name="input_normalisation")(film)
    a = layers.Conv2D(4, 3, padding="same", name="a")(x)
    b = layers.Conv2D(4, 3, padding="same", name="b")(a)
    x = layers.Add(name="first")([a, layers.Dropout(0.5, noise_shape=(None, 1, 1, 1), name="drop")(b)])
    c = layers.Conv2D(4, 3, padding="same", name="c")(x)
    d = layers.Conv2D(4, 3, padding="same", name="d")(c)
    x = layers.GlobalAveragePooling2D(name="head_pool")(layers.Add(name="second")([c, d]))
    x = layers.Dropout(0.5, name="head_dropout")(x)
    return keras.Model(film, layers.Dense(2, name="head_logits")(x))


def last_frozen(model, *trained):
    variables = [variable for name in trained for variable in model.get_layer(name).variables]
    parts = cut_network(model, HEAD, variables)
    return parts and next(
        layer.name for layer in model.layers if layer.output is parts.feature_extractor.output
    )


@pytest.mark.parametrize(
    ("trained", "last"),
    [
        (["head_logits"], "head_pool"),
        (["d", "head_logits"], "c"),
        (["c", "d", "head_logits"], "first"),
        (["b", "head_logits"], "a"),
        (["a", "head_logits"], None),
    ],
)
def test_cut_is_the_last_tensor_that_all_paths_go_through(net, trained, last):
    assert last_frozen(net, *trained) == last


@pytest.mark.parametrize(
    "phase",
    [Phase(1, 1e-3), Phase(1, 1e-3, train="head", batch_norm="training"), Phase(1, 1e-3, train="all")],
)
def test_backbone_with_trained_weights_or_statistics_is_not_cut(net, phase):
    assert cut_network(net, phase, net.get_layer("head_logits").variables) is None


def test_feature_extractor_is_deterministic_and_classifier_has_dropout(net):
    parts = cut_network(net, HEAD, net.get_layer("head_logits").variables)
    np.testing.assert_allclose(parts(FILMS, training=False), net(FILMS, training=False), rtol=1e-6)
    features = [parts.feature_extractor(FILMS, training=False).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*features)
    net.get_layer("head_dropout").rate = 0.0
    np.testing.assert_array_equal(parts(FILMS, training=True), parts(FILMS, training=True))
    assert not np.allclose(net(FILMS, training=True), net(FILMS, training=True))
    net.get_layer("head_dropout").rate = 0.5
    assert not np.allclose(parts(FILMS, training=True), parts(FILMS, training=True))


@pytest.mark.parametrize(
    ("name", "train", "last"),
    [
        ("resnet18_gray", "head", "head_pool"),
        ("resnet18_gray", "last_stage", "layer3_1_out"),
        ("mobilenetv2", "last_stage", "block_12_add"),
    ],
)
def test_stages_of_real_backbones(name, train, last):
    model, phase = build(name, head=Head(dropout=0.3), size=32), Phase(1, 1e-3, train=train)
    parts = cut_network(model, phase, set_trainable(model, architecture(name), phase))
    assert model.get_layer(last).output is parts.feature_extractor.output


def test_cutting_leaves_the_network_as_it_was(net, tmp_path):
    cut_network(net, HEAD, net.get_layer("head_logits").variables)
    assert net.get_layer("head_logits").output is net.output
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(FILMS), net(FILMS))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in net.layers]
