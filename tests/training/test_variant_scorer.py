"""Views and dropout samples against what is known of them: mirrored films, the variance of a linear head."""

import keras
import numpy as np
import pytest

from pneumo_tf.data.augment import source_side
from pneumo_tf.data.scoring_variants import MILD, view_augment
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Augment, Head, Phase, Recipe
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor
from pneumo_tf.training.variant_scorer import VariantScorer, augmented_films

SIDE = 32
FILMS = np.random.default_rng(0).integers(0, 256, (EVALUATION_BATCH + 30, SIDE, SIDE), dtype=np.uint8)
ROWS = np.arange(3, EVALUATION_BATCH + 20)
RATE = 0.4


def recipe(head=None, augment=None):
    phases = (Phase(1, 1e-3),)
    return Recipe("net", "conv3_bn", phases, head=head or Head(), size=SIDE, augment=augment or Augment())


def scorer(of, seed=0):
    keras.utils.set_random_seed(1)
    model = build(of.architecture, head=of.head, size=SIDE, weights=None)
    return model, VariantScorer(model, of, seed, FILMS, FILMS, ROWS)


def test_a_view_that_always_mirrors_is_the_mirrored_film():
    model, score = scorer(recipe(augment=Augment(flip=1.0)))
    mirrored = Predictor(model)(FILMS[:, :, ::-1], ROWS)
    plain = Predictor(model)(FILMS, ROWS)
    np.testing.assert_allclose(score("tta-1"), mirrored, atol=1e-5)
    assert np.abs(mirrored - plain).max() > 1e-3


def test_a_film_is_augmented_the_same_whatever_is_scored_with_it():
    augment = Augment(rotation=20, contrast=0.3)
    together = augmented_films(FILMS, ROWS, augment, SIDE, 0, "tta", 1)
    alone = augmented_films(FILMS, ROWS[[5, 140]], augment, SIDE, 0, "tta", 1)
    np.testing.assert_array_equal(together[[5, 140]], alone)


@pytest.mark.parametrize("variant", ["tta-1", "mc-1"])
def test_a_variant_depends_on_its_number_and_the_seed_alone(variant):
    of = recipe(Head(dropout=RATE), Augment(rotation=10))
    _, score = scorer(of)
    first = score(variant)
    score(variant.replace("1", "2"))
    np.testing.assert_array_equal(score(variant), first)
    np.testing.assert_array_equal(scorer(of)[1](variant), first)
    assert np.abs(score(variant.replace("1", "2")) - first).max() > 1e-3
    assert np.abs(scorer(of, seed=1)[1](variant) - first).max() > 1e-3


def test_a_recipe_without_augmentation_has_mild_views_and_others_their_own():
    assert view_augment(recipe()) == MILD
    own = Augment(flip=0.5)
    assert view_augment(recipe(augment=own)) == own
    assert source_side(MILD, SIDE) == SIDE
    model, score = scorer(recipe())
    assert np.abs(score("tta-1") - Predictor(model)(FILMS, ROWS)).max() > 1e-3


def test_dropout_before_a_linear_head_has_the_mean_and_variance_of_its_formula():
    model, score = scorer(recipe(Head(dropout=RATE)))
    last = model.get_layer("head_logits")
    features = keras.Model(model.input, model.get_layer("head_dropout").input)
    h, (w, _) = features.predict(FILMS[ROWS][..., None], verbose=0), last.get_weights()
    samples = np.stack([score(f"mc-{number}") for number in range(1, 61)])
    # A mask keeps h_j / (1 − p) with probability 1 − p: the mean is plain, the variance Σ (h w)² p / (1 − p).
    variance = (h**2) @ (w**2) * RATE / (1 - RATE)
    plain, chance = Predictor(model)(FILMS, ROWS), np.sqrt(variance.mean(axis=0) / samples[..., 0].size)
    assert (np.abs(samples.mean(axis=(0, 1)) - plain.mean(axis=0)) < 4 * chance).all()
    np.testing.assert_allclose(samples.var(axis=0, ddof=1).mean(axis=0), variance.mean(axis=0), rtol=0.06)


def test_batch_norm_stays_in_inference_mode_and_is_not_moved():
    of = recipe(Head(units=(16,), batch_norm=True, dropout=1e-9))
    model, score = scorer(of)
    plain = Predictor(model)(FILMS, ROWS)
    before = [np.array(variable) for variable in model.non_trainable_variables]
    np.testing.assert_allclose(score("mc-1"), plain, atol=1e-5)
    after = [np.array(variable) for layer in model.layers for variable in _moving(layer)]
    kept = [value for value in before if value.ndim == 1 and value.dtype == np.float32]
    assert len(after) == len(kept)
    for value, was in zip(after, kept, strict=True):
        np.testing.assert_array_equal(value, was)
    batch = np.array(model(FILMS[ROWS][..., None], training=True))
    assert np.abs(batch - plain).max() < 1e-4, "frozen: the flag holds for every later call, too"


def _moving(layer):
    if isinstance(layer, keras.layers.BatchNormalization):
        return [layer.moving_mean, layer.moving_variance]
    return []
