import keras
import numpy as np
import pytest
from keras import layers

from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Head, Phase
from pneumo_tf.training.cut import frozen_part
from pneumo_tf.training.trainable import moving_variables

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


def cut(model, *trained):
    moving = [variable for name in trained for variable in model.get_layer(name).variables]
    frozen = frozen_part(model, HEAD, moving)
    return frozen and next(layer.name for layer in model.layers if layer.output is frozen.below.output)


@pytest.mark.parametrize(
    ("trained", "highest"),
    [
        (["head_logits"], "head_pool"),
        (["d", "head_logits"], "c"),
        (["c", "d", "head_logits"], "first"),
        (["b", "head_logits"], "a"),
        (["a", "head_logits"], None),
    ],
)
def test_the_cut_is_the_highest_tensor_that_all_paths_go_through(net, trained, highest):
    assert cut(net, *trained) == highest


@pytest.mark.parametrize(
    "phase",
    [Phase(1, 1e-3), Phase(1, 1e-3, train="head", batch_norm="training"), Phase(1, 1e-3, train="all")],
)
def test_a_backbone_whose_weights_or_statistics_move_is_not_cut(net, phase):
    assert frozen_part(net, phase, net.get_layer("head_logits").variables) is None


def test_below_the_cut_nothing_is_random_and_above_it_dropout_is(net):
    frozen = frozen_part(net, HEAD, net.get_layer("head_logits").variables)
    np.testing.assert_allclose(frozen(FILMS, training=False), net(FILMS, training=False), rtol=1e-6)
    features = [frozen.below(FILMS, training=False).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*features)
    net.get_layer("head_dropout").rate = 0.0
    np.testing.assert_array_equal(frozen(FILMS, training=True), frozen(FILMS, training=True))
    assert not np.allclose(net(FILMS, training=True), net(FILMS, training=True))
    net.get_layer("head_dropout").rate = 0.5
    assert not np.allclose(frozen(FILMS, training=True), frozen(FILMS, training=True))


@pytest.mark.parametrize(
    ("name", "train", "highest"),
    [
        ("resnet18_gray", "head", "head_pool"),
        ("resnet18_gray", "last_stage", "layer3_1_out"),
        ("mobilenetv2", "last_stage", "block_12_add"),
    ],
)
def test_stages_of_real_backbones(name, train, highest):
    model, phase = build(name, head=Head(dropout=0.3), size=32), Phase(1, 1e-3, train=train)
    frozen = frozen_part(model, phase, moving_variables(model, architecture(name), phase))
    assert model.get_layer(highest).output is frozen.below.output


def test_cutting_leaves_the_network_as_it_was(net, tmp_path):
    frozen_part(net, HEAD, net.get_layer("head_logits").variables)
    assert net.get_layer("head_logits").output is net.output
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(FILMS), net(FILMS))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in net.layers]
