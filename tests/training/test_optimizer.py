"""Fused optimisers: the numbers of Keras' own, in a tenth of their operations and without conditions."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.speed.operations import keras_optimizer
from pneumo_tf.recipe import Phase
from pneumo_tf.training.optimizer import make_optimizer

STEPS = 20
SCHEDULES = {
    "constant": {},
    "warm-up": {"warmup_steps": 5},
    "cosine": {"schedule": "cosine"},
    "cosine with warm-up": {"schedule": "cosine", "warmup_steps": 5},
}
OPTIMIZERS = {
    "adam": {"optimizer": "adam"},
    "adam with decay": {"optimizer": "adam", "weight_decay": 0.02},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.05},
    "sgd": {"optimizer": "sgd"},
    "sgd with momentum": {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01},
}
CONDITIONS = {"If", "StatelessIf", "While", "StatelessWhile", "Switch", "Merge", "PartitionedCall"}


def phase_of(optimizer, schedule):
    return Phase(epochs=1, learning_rate=0.02, **OPTIMIZERS[optimizer], **SCHEDULES[schedule])


def descend(optimizer):
    """Losses of a quadratic bowl of two variables, and the variables after the last step."""
    rng = np.random.default_rng(3)
    variables = [keras.Variable(rng.normal(size=shape), dtype="float32") for shape in ((7, 3), (5,))]
    slopes = [tf.constant(rng.uniform(0.1, 5, variable.shape), tf.float32) for variable in variables]
    optimizer.build(variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            pairs = zip(slopes, variables, strict=True)
            loss = tf.add_n([tf.reduce_sum(slope * variable.value**2) for slope, variable in pairs])
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, [variable.value for variable in variables]))
        return loss

    losses = [float(step()) for _ in range(STEPS)]
    return losses, [variable.numpy() for variable in variables]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_twenty_steps_equal_those_of_keras(optimizer, schedule):
    phase = phase_of(optimizer, schedule)
    losses, variables = descend(make_optimizer(phase, STEPS, "float32"))
    expected, theirs = descend(keras_optimizer(phase, STEPS))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for ours, other in zip(variables, theirs, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-4, atol=5e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_twenty_steps_with_loss_scaling_equal_those_of_keras(optimizer):
    phase = phase_of(optimizer, "cosine with warm-up")
    losses, _ = descend(make_optimizer(phase, STEPS, "mixed_float16"))
    expected, _ = descend(keras.optimizers.LossScaleOptimizer(keras_optimizer(phase, STEPS)))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def operations(optimizer, count):
    """Types of the operations of one update of some variables."""
    variables = [keras.Variable(np.ones((3, 2), np.float32)) for _ in range(count)]
    optimizer.build(variables)
    specs = [tf.TensorSpec((3, 2), tf.float32)] * count
    traced = tf.function(lambda *gradients: optimizer.apply(gradients), input_signature=specs)
    graph = traced.get_concrete_function().graph
    inner = [node.op for function in graph.as_graph_def().library.function for node in function.node_def]
    return [operation.type for operation in graph.get_operations()] + inner


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_update_has_three_operations_a_variable_at_most_and_no_condition(optimizer, schedule):
    phase = phase_of(optimizer, schedule)
    few, many = (operations(make_optimizer(phase, STEPS, "float32"), count) for count in (1, 11))
    each = (len(many) - len(few)) / 10
    # One placeholder is the variable, one its gradient, and Adam and momentum have one for each moment.
    inputs = (many.count("Placeholder") - few.count("Placeholder")) / 10
    assert each - inputs <= 3
    assert not CONDITIONS & set(many)


def test_keras_exceeds_the_budget():
    phase = phase_of("adamw", "cosine with warm-up")
    few, many = (operations(keras_optimizer(phase, STEPS), count) for count in (1, 11))
    assert (len(many) - len(few)) / 10 > 20
    assert CONDITIONS & set(many)


def test_the_state_can_be_stored_and_restored():
    phase = dataclasses.replace(phase_of("adamw", "cosine"), epochs=2)
    first = make_optimizer(phase, STEPS, "float32")
    descend(first)
    again = make_optimizer(phase, STEPS, "float32")
    again.build([keras.Variable(np.zeros(shape, np.float32)) for shape in ((7, 3), (5,))])
    again.set_weights([variable.numpy() for variable in first.variables])
    assert float(again.learning_rate) == float(first.learning_rate)
    assert int(again.iterations.numpy()) == STEPS
