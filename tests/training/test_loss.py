import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from pneumo_tf.recipe import Head, Recipe
from pneumo_tf.training.loss import class_weights, film_loss

PLAIN = Recipe("x", "conv3")
LABELS = np.array([0, 1, 1, 0, 1, 1], np.int32)
LOGITS = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32) * 3


def test_cross_entropy_equals_scikit_learn():
    loss = film_loss(PLAIN)(LABELS, LOGITS).numpy()
    assert loss.mean() == pytest.approx(log_loss(LABELS, tf.nn.softmax(LOGITS).numpy()), rel=1e-5)


def test_one_logit_equals_binary_cross_entropy_with_pos_weight():
    z = LOGITS[:, :1]
    ours = film_loss(PLAIN, (1.0, 0.6))(LABELS, z).numpy()
    theirs = tf.nn.weighted_cross_entropy_with_logits(LABELS.astype(np.float32), z[:, 0], 0.6).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_smoothing_equals_keras():
    ours = film_loss(dataclasses.replace(PLAIN, label_smoothing=0.1))(LABELS, LOGITS).numpy()
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction="none")
    np.testing.assert_allclose(ours, theirs(tf.one_hot(LABELS, 2), LOGITS).numpy(), rtol=1e-5)


def test_three_classes_equal_keras():
    logits = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32) * 3
    labels = np.array([0, 1, 2, 2, 1, 0], np.int32)
    recipe = dataclasses.replace(PLAIN, head=Head(classes=3), label_smoothing=0.1)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction="none")
    expected = theirs(tf.one_hot(labels, 3), logits).numpy()
    np.testing.assert_allclose(
        film_loss(recipe, (1.0, 1.0, 1.0))(labels, logits).numpy(), expected, rtol=1e-5
    )
    weighted = film_loss(recipe, (1.0, 2.0, 0.5))(labels, logits).numpy()
    np.testing.assert_allclose(weighted, expected * np.array([1, 2, 0.5])[labels], rtol=1e-5)


def test_focal_loss_equals_its_formula_and_keras():
    ours = film_loss(dataclasses.replace(PLAIN, loss="focal"))(LABELS, LOGITS).numpy()
    p = tf.nn.softmax(LOGITS).numpy()[np.arange(6), LABELS]
    np.testing.assert_allclose(ours, -((1 - p) ** 2) * np.log(p), rtol=1e-4)


def test_class_weights_by_hand():
    labels = np.array([0] * 25 + [1] * 75)
    rules = {"none": (1, 1), "balanced": (2, 2 / 3), "inverse_frequency": (4, 4 / 3), (1.0, 0.6): (1, 0.6)}
    for rule, weights in rules.items():
        assert class_weights(dataclasses.replace(PLAIN, class_weights=rule), labels) == pytest.approx(weights)


@pytest.mark.parametrize(
    ("rule", "weights"),
    [("none", (1, 1, 1)), ("balanced", (2 / 3, 4 / 3, 4 / 3)), ("inverse_frequency", (2, 4, 4))],
)
def test_weights_of_three_classes_by_hand(rule, weights):
    recipe = dataclasses.replace(PLAIN, head=Head(classes=3), class_weights=rule)
    assert class_weights(recipe, np.repeat([0, 1, 2], [50, 25, 25])) == pytest.approx(weights)


def test_a_weight_multiplies_the_loss_of_its_class():
    weighted = film_loss(PLAIN, (3.0, 1.0))(LABELS, LOGITS) / film_loss(PLAIN)(LABELS, LOGITS)
    np.testing.assert_allclose(weighted, np.where(LABELS == 0, 3.0, 1.0), rtol=1e-6)
