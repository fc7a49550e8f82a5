"""Tensors kept for the backward pass, compared with networks that are counted by hand."""

import keras
import pytest
import tensorflow as tf

from benchmarks.recipes import RECIPES
from benchmarks.speed.traced_step import trace_step
from pneumo_tf.costs.saved_tensors import PRODUCTS, saved_bytes
from pneumo_tf.training.optimizer import make_optimizer

layers = keras.layers
SIDE = 8
FILM = layers.Input((SIDE, SIDE, 1))


@pytest.fixture(autouse=True)
def _mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def graph_of(model):
    """Trace the gradients of the sum of a network's outputs for films of 8 px."""

    @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE, 1), tf.uint8)])
    def step(films):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(model(films, training=True))
        return tape.gradient(value, model.trainable_variables)

    return step.get_concrete_function().graph


def of_a_film(graph, readers=()):
    return saved_bytes(graph, 3, readers) - saved_bytes(graph, 2, readers)


@pytest.mark.parametrize(("policy", "width"), [("float32", 4), ("mixed_bfloat16", 2)])
def test_a_convolution_and_a_dense_layer_by_hand(policy, width):
    keras.config.set_dtype_policy(policy)
    body = layers.Conv2D(4, 3, padding="same", activation="relu"), layers.Flatten(), layers.Dense(2)
    graph = graph_of(keras.Sequential([FILM, *body]))
    # The film, for the gradient of the kernel; the ReLU, which is also what the dense layer reads.
    film, relu = SIDE * SIDE, SIDE * SIDE * 4
    assert of_a_film(graph) == of_a_film(graph, PRODUCTS) == (film + relu) * width
    # In float32 the gradient reads the kernels themselves, which are variables; otherwise casts of them.
    kernels = 0 if policy == "float32" else (9 * 4 + relu * 2) * width
    assert saved_bytes(graph, 0) == kernels


def test_pooling_and_batch_norm_by_hand():
    body = [
        FILM,
        layers.Conv2D(4, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Conv2D(2, 3, padding="same"),
    ]
    film, maps, pooled = SIDE * SIDE, SIDE * SIDE * 4, SIDE * SIDE
    graph = graph_of(keras.Sequential(body))
    # Batch norm is computed in float32: its input is cast, and kept as 4 bytes.
    assert of_a_film(graph) == film * 2 + maps * 4 + maps * 2 + pooled * 2
    assert of_a_film(graph, PRODUCTS) == (film + pooled) * 2


def test_a_sum_of_gradients_is_not_kept():
    first = layers.Conv2D(4, 3, padding="same", activation="relu")(FILM)
    model = keras.Model(FILM, layers.Add()([layers.Conv2D(4, 1, use_bias=False)(first), first]))
    assert of_a_film(graph_of(model)) == (SIDE * SIDE + SIDE * SIDE * 4) * 2


@pytest.mark.parametrize("name", ["regularized_cnn", "resnet18_transfer"])
def test_a_trace_for_any_length_counts_what_traces_for_two_lengths_differ_by(name, monkeypatch):
    recipe = RECIPES[name]
    phase, side = recipe.phases[-1], 64

    def count(length):
        real = tf.TensorSpec
        with monkeypatch.context() as patch:
            patch.setattr(tf, "TensorSpec", lambda shape, kind: real((length, *shape[1:]), kind))
            keras.config.set_dtype_policy("mixed_bfloat16")
            _, graph = trace_step(recipe, phase, make_optimizer(phase, 1, "mixed_bfloat16"), side)
        return graph

    between_lengths = saved_bytes(count(3), 3) - saved_bytes(count(2), 2)
    # Except for a count of films, which has no batch axis.
    assert of_a_film(count(None)) == pytest.approx(between_lengths, abs=8)
