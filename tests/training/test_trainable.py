import keras
import numpy as np
import pytest

from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Head, Phase, Recipe
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import TrainingStep
from pneumo_tf.training.trainable import calibrate_batch_norm, set_trainable

RNG = np.random.default_rng(0)
FILMS = RNG.integers(0, 255, (8, 32, 32, 1), np.uint8)
LABELS = np.array([0, 1] * 4, np.int32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return build("resnet18_gray", head=Head(units=(4,), batch_norm=True), size=32)


def updated(model, phase):
    """Paths of the variables that one step changes."""
    variables = set_trainable(model, architecture("resnet18_gray"), phase)
    before = {v.path: v.numpy() for v in model.weights}
    optimizer = make_optimizer(phase, 1, "float32")
    TrainingStep(model, variables, optimizer, film_loss(Recipe("x", "resnet18_gray")))(FILMS, LABELS)
    return {v.path for v in model.weights if not np.array_equal(before[v.path], v.numpy())}


def kinds(paths):
    head = {p for p in paths if p.startswith("head_")}
    statistics = {p for p in paths - head if "moving_" in p}
    return head, statistics, paths - head - statistics


@pytest.mark.parametrize("batch_norm", ["inference", "training"])
def test_statistics_change_only_in_training_mode_and_a_frozen_backbone_keeps_its_weights(model, batch_norm):
    head, statistics, backbone = kinds(updated(model, Phase(1, 1e-2, train="head", batch_norm=batch_norm)))
    assert head
    assert bool(statistics) == (batch_norm == "training")
    assert not backbone


def test_everything_but_the_statistics_is_trained(model):
    head, statistics, backbone = kinds(updated(model, Phase(1, 1e-2, train="all")))
    assert any("gamma" in path for path in backbone)
    assert any("kernel" in path for path in backbone)
    assert not statistics
    trainable = {v.path for v in model.weights if "moving_" not in v.path and not v.path.startswith("head_")}
    assert len(backbone) > 0.9 * len(trainable)


def test_a_phase_ignores_what_the_one_before_froze(model):
    entry = architecture("resnet18_gray")
    whole = Phase(1, 1e-2, batch_norm="training")
    before = [v.path for v in set_trainable(model, entry, whole)]
    set_trainable(model, entry, Phase(1, 1e-2, train="head"))
    assert [v.path for v in set_trainable(model, entry, whole)] == before
    assert any("gamma" in path for path in before)


def test_the_last_stage_is_a_part_of_the_backbone(model):
    _, _, last = kinds(updated(model, Phase(1, 1e-2, train="last_stage")))
    _, _, everything = kinds(updated(model, Phase(1, 1e-2, train="all")))
    assert last
    assert last < everything


def test_calibration_gives_a_random_mobilenet_living_features():
    keras.utils.set_random_seed(0)
    model = build("mobilenetv2", head=Head(), size=32)
    inner = keras.Model(model.inputs, model.get_layer("head_pool").output)
    assert np.abs(inner(FILMS, training=False)).max() < 1e-6
    calibrate_batch_norm(model, FILMS)
    features = np.array(inner(FILMS, training=False))
    assert features.std(axis=0).mean() > 1e-2
    # Stored statistics now equal the batch's, so both modes agree.
    np.testing.assert_allclose(features, inner(FILMS, training=True), atol=0.2)
    assert all(
        layer.momentum > 0.9 for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    )
