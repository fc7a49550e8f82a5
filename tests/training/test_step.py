import dataclasses

import keras
import numpy as np
import pytest

from benchmarks.recipes import RECIPES
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Head, Phase, Recipe
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import Predictor, TrainingStep

STEPS = 6
RNG = np.random.default_rng(0)
FILMS = RNG.integers(0, 255, (STEPS, 10, 32, 32, 1), np.uint8)
LABELS = RNG.integers(0, 2, (STEPS, 10)).astype(np.int32)
PHASES = dict.fromkeys(phase for recipe in RECIPES.values() for phase in recipe.phases)
SCHEDULES = {(p.optimizer, p.schedule, p.warmup_steps, p.weight_decay, p.l2, p.momentum): p for p in PHASES}


def net():
    keras.utils.set_random_seed(0)
    return build("conv3_gray", head=Head(units=(8,)), size=32)


def after_training(phase, micro_batches):
    model = net()
    optimizer = make_optimizer(phase, STEPS, "float32")
    step = TrainingStep(
        model,
        model.trainable_variables,
        optimizer,
        film_loss(Recipe("x", "conv3_gray")),
        l2=phase.l2,
        micro_batches=micro_batches,
    )
    losses, rates = [], []
    for films, labels in zip(FILMS, LABELS, strict=True):
        rates.append(float(optimizer.learning_rate))
        losses.append(float(step(films, labels)))
    return model.get_weights(), losses, rates


@pytest.mark.parametrize("key", SCHEDULES, ids=str)
def test_accumulated_gradients_equal_the_whole_batch_for_every_schedule_in_use(key):
    # 10 films in 4 parts: 3, 3, 3, 1. Adam divides by tiny second moments, so a larger rate would show
    # rounding, not a wrong step.
    phase = dataclasses.replace(SCHEDULES[key], epochs=1, learning_rate=1e-4)
    whole, whole_losses, whole_rates = after_training(phase, 1)
    parts, part_losses, part_rates = after_training(phase, 4)
    assert part_rates == whole_rates
    np.testing.assert_allclose(part_losses, whole_losses, rtol=1e-4)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def strided_net():
    """Build a network without pooling: under deterministic operations XLA has no gradient of it."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    films = keras.Input((32, 32, 1))
    features = layers.Conv2D(8, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(films))
    return keras.Model(films, layers.Dense(2)(layers.Flatten()(features)))


@pytest.mark.parametrize("micro_batches", [1, 3])
def test_xla_changes_no_loss(micro_batches):
    # 7 films in 3 parts are 3, 3 and 1; the second step shows the gradients of the first.
    lengths, losses = (20, 7, 20), {}
    films, labels = FILMS.reshape(-1, 32, 32, 1), LABELS.reshape(-1)
    for xla in (False, True):
        model = strided_net()
        step = TrainingStep(
            model,
            model.trainable_variables,
            make_optimizer(Phase(epochs=1, learning_rate=1e-2, optimizer="sgd"), STEPS, "float32"),
            film_loss(Recipe("x", "conv3_gray")),
            micro_batches=micro_batches,
            xla=xla,
        )
        losses[xla] = [float(step(films[:length], labels[:length])) for length in lengths]
    np.testing.assert_allclose(losses[True], losses[False], atol=1e-4)


def test_warm_up_and_cosine_by_hand():
    phase = Phase(epochs=2, learning_rate=0.1, schedule="cosine", warmup_steps=4)
    rate = make_optimizer(phase, 10, "float32")._learning_rate
    got = [float(rate(step)) for step in range(21)]
    by_hand = [0.1 * s / 4 if s < 4 else 0.05 * (1 + np.cos(np.pi * (s - 4) / 16)) for s in range(21)]
    np.testing.assert_allclose(got, by_hand, atol=1e-7)


def test_a_constant_rate_with_warm_up_stays_at_its_peak():
    rate = make_optimizer(Phase(epochs=1, learning_rate=0.1, warmup_steps=4), 10, "float32")._learning_rate
    np.testing.assert_allclose([float(rate(s)) for s in (0, 2, 4, 9)], [0, 0.05, 0.1, 0.1], atol=1e-7)


def test_l2_is_added_to_the_gradient_as_torch_does():
    phase = Phase(epochs=1, learning_rate=0.1, optimizer="sgd", l2=0.5)
    models = [net(), net()]
    loss = film_loss(Recipe("x", "conv3_gray"))
    for model, l2 in zip(models, (0.0, 0.5), strict=True):
        optimizer = make_optimizer(phase, 1, "float32")
        TrainingStep(model, model.trainable_variables, optimizer, loss, l2=l2)(FILMS[0], LABELS[0])
    for before, plain, decayed in zip(net().get_weights(), *(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(decayed, plain - 0.1 * 0.5 * before, atol=1e-6)


def test_prediction_does_not_depend_on_the_batch():
    model = net()
    pixels, rows = FILMS.reshape(-1, 32, 32), np.arange(60)[::-1]
    whole = Predictor(model, batch=64)(pixels, rows)
    np.testing.assert_allclose(Predictor(model, batch=7)(pixels, rows), whole, atol=1e-5)
    np.testing.assert_allclose(model(pixels[rows][..., None], training=False), whole, atol=1e-5)


def test_under_xla_only_whole_batches_are_compiled_and_the_last_is_padded():
    model, pixels, lengths = strided_net(), FILMS.reshape(-1, 32, 32), []
    predict = Predictor(model, batch=8, xla=True)
    function = predict.function
    predict.function = lambda films: lengths.append(len(films)) or function(films)
    for rows in (np.arange(3), np.arange(20)[::-1], np.arange(8), np.arange(0)):
        expected = Predictor(model, batch=8)(pixels, rows)
        np.testing.assert_allclose(predict(pixels, rows), expected, atol=1e-5)
    assert lengths == [3, 8, 8, 8, 8]
    assert function.xla_compilations == 1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_learns_with_float32_weights_and_logits(policy):
    keras.mixed_precision.set_global_policy(policy)
    try:
        model = net()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    optimizer = make_optimizer(Phase(epochs=1, learning_rate=1e-2), 40, policy)
    step = TrainingStep(model, model.trainable_variables, optimizer, film_loss(Recipe("x", "conv3_gray")))
    # A convolution in float16 takes a tenth of a second for each film on a CPU.
    losses = [float(step(FILMS[0, :4], LABELS[0, :4])) for _ in range(14)]
    assert min(losses[-3:]) < 0.9 * losses[0]
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert Predictor(model)(FILMS[0, ..., 0], np.arange(10)).dtype == np.float32
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
