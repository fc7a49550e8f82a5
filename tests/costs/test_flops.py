"""Operations against a count by hand, against TensorFlow's own profiler, and against published figures."""

import keras
import pytest
import tensorflow as tf

from pneumo_tf.costs.flops import forward_flops, layer_flops, training_flops, uncounted_layers
from pneumo_tf.models.graph import head_layers
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Head

# Twice the multiply-adds in the tables of the papers, of the backbone. Keras' ResNet50V2 strides in the last
# block of each stage, which saves half a GFLOP of the paper's.
PUBLISHED = {
    "vgg16": 30.7e9,
    "densenet121": 5.7e9,
    "resnet18": 3.6e9,
    "resnet50v2": 7e9,
    "mobilenetv2": 0.6e9,
}
MULTIPLYING = ("Conv2D", "DepthwiseConv2dNative", "MatMul")


@pytest.fixture(scope="module")
def small():
    return build("conv3_gray", head=Head(units=(16,)), size=32)


def profiled(model):
    """What TensorFlow's profiler counts in the traced graph, of the operations that multiply and add."""
    side, profiler = model.input_shape[1], tf.compat.v1.profiler
    function = tf.function(lambda films: model(films, training=False), autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec((1, side, side, 1), tf.uint8)).graph
    float_operation = profiler.ProfileOptionBuilder.float_operation()
    options = profiler.ProfileOptionBuilder(float_operation).with_empty_output().build()
    return sum(node.float_ops for node in _below(profiler.profile(graph, cmd="op", options=options)))


def _below(node):
    for child in node.children:
        if child.name in MULTIPLYING:
            yield child
        yield from _below(child)


def test_a_small_cnn_counted_by_hand(small):
    convolutions = 9 * (32 * 32 * 1 * 32 + 16 * 16 * 32 * 64 + 8 * 8 * 64 * 128)
    assert forward_flops(small) == 2 * (convolutions + 128 * 16 + 16 * 2)


def test_training_counts_trained_layers_three_times(small):
    head = [variable for layer in head_layers(small) for variable in layer.trainable_variables]
    dense = 2 * (128 * 16 + 16 * 2)
    assert training_flops(small, head) == forward_flops(small) + 2 * dense
    assert training_flops(small, small.trainable_variables) == 3 * forward_flops(small)
    assert training_flops(small, []) == forward_flops(small)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name):
    model = build(name, head=Head(), size=224)
    assert forward_flops(model) == pytest.approx(PUBLISHED[name], rel=0.02)


@pytest.mark.parametrize("name", ["mobilenetv2", "convnext_tiny", "conv3_gray"])
def test_the_profiler_counts_the_same(name):
    model = build(name, head=Head(units=(8,)), size=64)
    assert forward_flops(model) == profiled(model)


def test_separable_convolution_counted_by_hand():
    film = keras.Input((9, 9, 3))
    separable = keras.layers.SeparableConv2D(5, 3, strides=2, depth_multiplier=2, name="separable")
    model = keras.Model(film, separable(film))
    # 4 × 4 outputs: 3 × 3 weights for each of 3 × 2 channels, then 6 × 5 weights.
    assert layer_flops(separable) == 2 * 16 * (9 * 6 + 6 * 5)
    assert forward_flops(model) == 2 * 16 * (9 * 6 + 6 * 5)
    assert training_flops(model, separable.trainable_variables) == 3 * forward_flops(model)


def test_separable_convolution_equals_the_profiler():
    film = keras.Input((32, 32, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(film)
    x = keras.layers.SeparableConv2D(8, 3, padding="same", depth_multiplier=2)(x)
    model = keras.Model(film, keras.layers.SeparableConv2D(4, 5, strides=2)(x))
    assert forward_flops(model) == profiled(model)


def inner():
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)], name="inner")


@pytest.mark.parametrize(
    ("shape", "make"),
    [
        ((4,), lambda: keras.layers.Embedding(10, 4, name="inner")),
        ((8, 8, 3), lambda: keras.layers.Conv2DTranspose(4, 3, strides=2, name="inner")),
        ((8, 3), lambda: keras.layers.LSTM(4, name="inner")),
        ((8, 3), lambda: keras.layers.EinsumDense("abc,cde->abde", (8, 2, 4), name="inner")),
        ((8, 8, 3), inner),
        ((None, None, 3), lambda: keras.layers.Conv2D(4, 3, name="inner")),
    ],
    ids=["embedding", "transposed", "recurrent", "einsum", "nested model", "size unknown"],
)
def test_what_cannot_be_counted_is_none_and_named(shape, make):
    film = keras.Input(shape)
    x = make()(film)
    model = keras.Model(film, keras.layers.ReLU(name="relu")(x))
    assert layer_flops(model.get_layer("relu")) == 0
    assert forward_flops(model) is None
    assert training_flops(model, model.trainable_variables) is None
    assert training_flops(model, []) is None
    assert uncounted_layers(model) == ["inner"]
