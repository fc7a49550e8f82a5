"""Agreement of maps by hand, and the cascade on models that know something and nothing."""

import keras
import numpy as np
import pytest
from scipy.stats import spearmanr

from pneumo_tf.explain.agreement import rank_correlation, ssim
from pneumo_tf.explain.sanity import cascade
from pneumo_tf.models.registry import build
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


def test_the_cascade_forgets_from_the_top_and_leaves_the_model_as_it_was():
    keras.utils.set_random_seed(5)
    model, images = build("conv4_gray", head=Head(), size=48), films(48, 4)
    kept = model.get_weights()
    steps = cascade(model, images, ("layer_cam", "eigen_cam", "edges"), steps=4)
    assert steps[0].layers == 1
    assert steps[-1].share == 1
    assert [step.layers for step in steps] == sorted({step.layers for step in steps})
    # The logits move what speaks for the score, not what the layer below them shows.
    np.testing.assert_allclose(steps[0].rank_correlation["eigen_cam"], 1, atol=1e-6)
    assert np.nanmean(steps[0].rank_correlation["layer_cam"]) < 0.99
    assert steps[-1].rank_correlation["eigen_cam"].mean() < 0.95
    for step in steps:
        np.testing.assert_allclose(step.ssim["edges"], 1, atol=1e-6)
    for before, after in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
