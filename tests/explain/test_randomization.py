"""Similarity of maps by hand, and the cascade on trained and untrained models."""

import keras
import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from pneumo_tf.explain.explainer import Explainer
from pneumo_tf.explain.randomization import randomize_weights
from pneumo_tf.explain.similarity import compare_maps, rank_correlation, ssim, standardized_ranks
from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.recipe import Head
from tests.explain.networks import films


def test_rank_correlation_is_spearman_s():
    random = np.random.default_rng(0)
    one, other = random.integers(0, 9, (2, 6, 5, 4)).astype(float)
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(rank_correlation(one, other), expected)
    np.testing.assert_allclose(rank_correlation(one, np.exp(one)), 1)
    np.testing.assert_allclose(rank_correlation(one, -one), -1)
    assert np.isnan(rank_correlation(one, np.zeros_like(one))).all()


def test_ssim_is_one_for_the_same_shape_and_falls_with_it():
    random = np.random.default_rng(0)
    one, other = random.random((2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(ssim(one, 7 * one), 1, atol=1e-6)
    mixed = [ssim(one, (1 - share) * one + share * other).mean() for share in (0, 0.3, 0.6, 1)]
    assert mixed == sorted(mixed, reverse=True)
    assert mixed[-1] < 0.3
    assert ssim(np.zeros((1, 8, 8)), np.zeros((1, 8, 8))) == pytest.approx([1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_forgets_and_remembers(name):
    keras.utils.set_random_seed(1)
    model, images = build(name, head=Head(), size=64), films(64, 2)
    kept = model.get_weights()
    stages = randomize_weights(model, images, ("eigen_cam",), steps=2).stages
    assert (stages[0].layers, stages[-1].share) == (1, 1)
    assert np.nanmin(stages[-1].similarity["eigen_cam"]["ssim"]) < 0.999
    for before, after in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_maps_without_shape_are_like_none():
    one = np.random.default_rng(0).random((3, 5, 5))
    other = one.copy()
    other[1] = 0  # empty
    found = compare_maps(one, other)
    for values in found.values():
        np.testing.assert_allclose(values[[0, 2]], 1, atol=1e-6)
        assert np.isnan(values[1])


def test_ranks_have_mean_0_and_length_1():
    maps = np.random.default_rng(0).integers(0, 4, (6, 3, 4))
    found = standardized_ranks(maps)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose((found**2).sum(axis=1), 1)
    expected = np.array([rankdata(map_.ravel()) for map_ in maps])
    assert all(np.corrcoef(a, b)[0, 1] > 1 - 1e-12 for a, b in zip(found, expected, strict=True))


def test_the_cascade_forgets_from_the_top_and_leaves_the_model_as_it_was():
    keras.utils.set_random_seed(5)
    model, images = build("conv4_gray", head=Head(), size=48), films(48, 4)
    kept = model.get_weights()
    found = randomize_weights(model, images, ("layer_cam", "eigen_cam", "edges"), steps=4)
    stages = found.stages
    assert stages[0].layers == 1
    assert stages[-1].share == 1
    assert [stage.layers for stage in stages] == sorted({stage.layers for stage in stages})
    # The logits move what speaks for the score, not what the layer below them shows.
    np.testing.assert_allclose(stages[0].similarity["eigen_cam"]["rank"], 1, atol=1e-6)
    assert np.nanmean(stages[0].similarity["layer_cam"]["rank"]) < 0.99
    assert stages[-1].similarity["eigen_cam"]["rank"].mean() < 0.95
    for stage in stages:
        np.testing.assert_allclose(stage.similarity["edges"]["ssim"], 1, atol=1e-6)
    edges = Explainer(model, ["edges"])(images)["edges"]
    expected = [spearmanr(edges[at].ravel(), edges[(at + 1) % 4].ravel()).statistic for at in range(4)]
    np.testing.assert_allclose(found.next_film["edges"]["rank"], expected)
    for before, after in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
