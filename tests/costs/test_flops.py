"""Operations against a count by hand, against TensorFlow's own profiler, and against published figures."""

import keras
import pytest
import tensorflow as tf

from pneumo_tf.costs.flops import forward_flops, layer_flops, training_flops
from pneumo_tf.models.graph import head_layers
from pneumo_tf.models.registry import ARCHITECTURES, build
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


def test_training_counts_three_times_what_moves(small):
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_profiler_counts_the_same_everywhere(name):
    entry = ARCHITECTURES[name]
    model = build(name, head=Head(), size=entry.size)
    assert forward_flops(model) == profiled(model)
    keras.backend.clear_session()


def test_a_layer_that_cannot_be_counted_is_not_counted_as_nothing():
    film = keras.Input((4, 4, 3))
    words = keras.layers.Embedding(10, 4, name="words")
    words(keras.Input((4,)))
    assert layer_flops(keras.Model(film, keras.layers.ReLU()(film)).layers[-1]) == 0
    with pytest.raises(ValueError, match="words"):
        layer_flops(words)
