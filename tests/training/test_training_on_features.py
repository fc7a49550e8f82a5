"""Training of a head on cached features: the same as on films."""

import dataclasses

import keras
import numpy as np
import pytest

from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.models.registry import architecture
from pneumo_tf.models.weights_file import find
from pneumo_tf.recipe import Head, Phase, Recipe
from pneumo_tf.training import feed
from pneumo_tf.training.feature_cache import CHUNK, FeatureCache
from pneumo_tf.training.harness import TrainingFilms
from pneumo_tf.training.step import Predictor
from tests.conftest import SHARED
from tests.training.trainings import CNN, FROZEN, PLAIN, TURNED, films_of, trained

AGREEING = {
    "plain films, balanced sampling, weighted and smoothed loss": {
        "augment": PLAIN,
        "sampling": "balanced",
        "class_weights": "balanced",
        "label_smoothing": 0.1,
    },
    "a view for every epoch, a head with batch norm": {
        "augment": TURNED,
        "select": "last",
        "head": Head(units=(8,), batch_norm=True, dropout=0.5),
        # The bias before a batch norm has a gradient of nothing but rounding, which Adam would scale up to
        # whole steps.
        "phases": (dataclasses.replace(FROZEN, optimizer="sgd", learning_rate=0.03),),
    },
    "last stage": {"augment": PLAIN, "phases": (dataclasses.replace(FROZEN, train="last_stage"),)},
    "two phases and cycled views in parts of a batch": {
        "augment": TURNED,
        "views": 2,
        "phases": (FROZEN, Phase(epochs=1, learning_rate=1e-4, batch_norm="training")),
    },
}


def agree(recipe, films, tmp_path, **how):
    """Trains on films and on features, and compares."""
    one, plain = trained(recipe, films, tmp_path / "plain", **how)
    other, cached = trained(recipe, films, tmp_path / "cached", features=tmp_path / "features", **how)
    assert list((tmp_path / "features").glob("*.npy"))
    assert cached.kept_epoch == plain.kept_epoch
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.abs(a - b).max() <= 1e-4 * max(1e-3, np.abs(a).max())
    first, second = (Predictor(model)(films.pixels, films.validation) for model in (one, other))
    np.testing.assert_allclose(first, second, atol=1e-4)
    for row, again in zip(plain.history, cached.history, strict=True):
        assert again["train_loss"] == pytest.approx(row["train_loss"], rel=1e-4)


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("case", AGREEING)
def test_training_on_features_agrees_with_training_on_films(small_phantom, tmp_path, case):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, head=Head(units=(8,), dropout=0.5), phases=(FROZEN,))
    agree(
        dataclasses.replace(recipe, **AGREEING[case]),
        films,
        tmp_path,
        micro_batches=2 if "parts" in case else 1,
    )


def test_features_are_the_same_files_in_any_number_of_parts(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(
        CNN, architecture="conv3_gray", phases=(dataclasses.replace(FROZEN, epochs=1),)
    )
    shares = [
        trained(recipe, films, tmp_path / str(parts), micro_batches=parts, features=tmp_path / "features")[1]
        for parts in (1, 4)
    ]
    assert [share.features_reused for share in shares] == [0, 1]


def test_features_too_large_for_the_disk_are_not_kept_and_that_is_said(small_phantom, tmp_path, monkeypatch):
    monkeypatch.setattr(FeatureCache, "free_megabytes", 0.01)
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, phases=(dataclasses.replace(FROZEN, epochs=1),))
    notes = []
    _, result = trained(recipe, films, tmp_path, features=tmp_path / "features", on_note=notes.append)
    assert not (tmp_path / "features").exists()
    assert "phase 1" in notes[0]
    assert "0 MB of free disk" in notes[0]
    assert len(result.history) == 1


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_features_in_half_precision_lose_nothing_on_the_disk(small_phantom, tmp_path, policy):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, augment=PLAIN, phases=(dataclasses.replace(FROZEN, epochs=2),))
    keras.mixed_precision.set_global_policy(policy)
    try:
        agree(recipe, films, tmp_path, precision=policy)
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_a_frozen_phase_uses_the_views_of_its_recipe_and_its_progress_never_decreases(
    small_phantom, tmp_path, monkeypatch
):
    films, _ = films_of(small_phantom, tmp_path)
    phases = (dataclasses.replace(FROZEN, epochs=4), Phase(epochs=2, learning_rate=1e-4))
    recipe = dataclasses.replace(CNN, phases=phases, augment=TURNED, views=3)
    seen, progress, prepare, batches = [], [], feed.FeatureFeed.prepare, feed.FilmFeed.batches
    monkeypatch.setattr(
        feed.FeatureFeed, "prepare", lambda self, view, told: seen.append(view) or prepare(self, view, told)
    )
    monkeypatch.setattr(
        feed.FilmFeed, "batches", lambda self, order, view: seen.append(view) or batches(self, order, view)
    )
    trained(
        recipe,
        films,
        tmp_path,
        seed=5,
        features=tmp_path / "features",
        on_step=lambda phase, epoch, step, steps: progress.append((phase, epoch, step / steps)),
    )
    assert seen == [(5, 0, 0), (5, 0, 1), (5, 0, 2), (5, 0, 0), (5, 1, 0), (5, 1, 1)]
    assert progress == sorted(progress)
    assert max(share for *_, share in progress) < 1
    steps = -(-len(films.train) // recipe.batch)
    chunks = -(-len(films.train) // CHUNK)
    assert len(progress) == 6 * steps + 3 * chunks


@pytest.mark.slow
def test_a_frozen_efficientnet_drops_no_paths(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(
        CNN, architecture="efficientnet_b0", augment=PLAIN, phases=(dataclasses.replace(FROZEN, epochs=1),)
    )
    agree(recipe, films, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("augment", [PLAIN, TURNED], ids=["plain", "augmented"])
def test_a_trained_backbone_agrees_on_real_films(real_films, tmp_path, augment):
    weights = find(architecture("mobilenetv2").weights, SHARED / "weights")
    if weights is None:
        pytest.skip("no weights of MobileNetV2")
    dataset = KERMANY.read(real_films)
    pixels = cached_pixels(dataset, tmp_path, side=96)
    chosen = np.random.default_rng(0).permutation(len(pixels))
    films = TrainingFilms(pixels, pixels, dataset.films.labels, chosen[:400], chosen[400:600])
    recipe = Recipe(
        "x",
        "mobilenetv2",
        size=96,
        augment=augment,
        views=2,
        head=Head(units=(64,), dropout=0.5),
        initial="imagenet",
        phases=(dataclasses.replace(FROZEN, learning_rate=1e-3),),
    )
    agree(recipe, films, tmp_path, weights=weights)
