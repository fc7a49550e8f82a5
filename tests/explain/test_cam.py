"""Each method against its definition, worked out by hand, in NumPy, or by finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pneumo_tf.errors import UserError
from pneumo_tf.explain.explainer import Explainer, _fused
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Head
from tests.explain.networks import HAND_FEATURES, HAND_FILM, HAND_GRADIENT, by_hand, films, random_convnet

SUMMED = HAND_FEATURES.sum(axis=(1, 2))
WEIGHT_PLUS_PLUS = 4 * HAND_GRADIENT[0] ** 3 / (2 * HAND_GRADIENT[0] ** 2 + SUMMED[0] * HAND_GRADIENT[0] ** 3)


def masked(channel):
    """A channel of HAND_FILM scaled to 0–1: as large as the film, so that it masks without resizing."""
    return (channel - channel.min()) / np.ptp(channel)


def score(film):
    return 2 * film.mean() - np.maximum(5 - film, 0).mean() - 14


INCREASE = [score(HAND_FILM[0] * masked(channel)) - score(np.zeros((2, 2))) for channel in HAND_FEATURES]

BY_HAND = {
    "grad_cam": [[0, 0.25], [1.75, 3]],
    "hires_cam": [[0, 0.25], [1.75, 3]],
    "layer_cam": [[0, 1], [2, 3]],
    "grad_cam_plus_plus": WEIGHT_PLUS_PLUS * HAND_FEATURES[0],
    "score_cam": np.maximum(INCREASE[0] * HAND_FEATURES[0] + INCREASE[1] * HAND_FEATURES[1], 0),
}


@pytest.mark.parametrize("method", BY_HAND)
def test_a_case_worked_out_by_hand(method):
    maps = Explainer(by_hand(), [method], "conv")(HAND_FILM)[method]
    np.testing.assert_allclose(maps[0], BY_HAND[method], atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "target", "classes"),
    [
        ("first", "score", 2),
        ("last", "score", 2),
        ("last", 0, 2),
        ("last", 1, 2),
        ("last", "score", 3),
        ("last", 2, 3),
    ],
)
def test_grad_cam_is_its_definition_by_finite_differences(layer, target, classes):
    model, images = random_convnet(classes=classes), films(10, 2)
    features = keras.Model(model.input, model.get_layer(layer).output)(images[..., None]).numpy()
    above = keras.Model(model.get_layer(layer).output, model.output)

    def of(changed):
        logits = above(changed).numpy()
        if target != "score":
            return logits[:, target]
        return np.log(np.exp(logits[:, 1:]).sum(axis=1)) - logits[:, 0]

    gradient, step = np.zeros_like(features), 1e-4
    for place in np.ndindex(features.shape[1:]):
        moved = np.zeros_like(features)
        moved[:, *place] = step
        gradient[:, *place] = (of(features + moved) - of(features - moved)) / (2 * step)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    expected = {
        "grad_cam": np.maximum((weights * features).sum(-1), 0),
        "hires_cam": np.maximum((gradient * features).sum(-1), 0),
    }
    found = Explainer(model, list(expected), layer, target=target)(images)
    for method, maps in expected.items():
        assert maps.max() > 0
        np.testing.assert_allclose(found[method], maps, atol=1e-5 * maps.max())


@pytest.fixture(scope="module")
def bent():
    """A small CNN of the registry with a bent head, its feature maps and the gradient of its score."""
    keras.utils.set_random_seed(3)
    model, images = build("conv4_gray", head=Head(pool="flatten", units=(6,)), size=48), films(48, 3)
    layer = model.get_layer("block4_relu").output
    features = keras.Model(model.input, layer)(images[..., None])
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = keras.Model(layer, model.output)(features)
        value = logits[:, 1] - logits[:, 0]
    gradient = tape.gradient(value, features)
    return model, images, features.numpy().astype(float), gradient.numpy().astype(float)


def test_layer_cam_and_plus_plus_agree_with_numpy(bent):
    model, images, features, gradient = bent
    below = 2 * gradient**2 + features.sum(axis=(1, 2), keepdims=True) * gradient**3
    share = np.divide(gradient**2, below, out=np.zeros_like(below), where=below != 0)
    weights = (share * np.maximum(gradient, 0)).sum(axis=(1, 2), keepdims=True)
    expected = {
        "layer_cam": np.maximum((np.maximum(gradient, 0) * features).sum(-1), 0),
        "grad_cam_plus_plus": np.maximum((weights * features).sum(-1), 0),
    }
    found = Explainer(model, list(expected))(images)
    for method, maps in expected.items():
        np.testing.assert_allclose(found[method], maps, rtol=1e-3, atol=1e-5 * maps.max())


@pytest.mark.parametrize("layer", ["block2_relu", "block4_relu"])  # more cells than channels, and fewer
def test_eigen_cam_is_the_first_singular_vector(bent, layer):
    model, images, *_ = bent
    features = keras.Model(model.input, model.get_layer(layer).output)(images[..., None]).numpy()
    for map_, one in zip(Explainer(model, ["eigen_cam"], layer)(images)["eigen_cam"], features, strict=True):
        cells = one.reshape(-1, one.shape[-1])
        projected = cells @ np.linalg.svd(cells, full_matrices=False)[2][0]
        projected = np.maximum(projected * np.sign(projected.sum()), 0).reshape(map_.shape)
        np.testing.assert_allclose(map_, projected, atol=1e-3 * projected.max())


def test_hires_cam_is_grad_cam_behind_pooling_and_a_linear_head():
    model = build("conv4_gray", head=Head(), size=48)
    maps = Explainer(model, ["grad_cam", "hires_cam"], "block4_pool")(films(48))
    assert maps["grad_cam"].max() > 0
    np.testing.assert_allclose(maps["grad_cam"], maps["hires_cam"], atol=1e-5 * maps["grad_cam"].max())


def test_a_film_without_positive_evidence_has_an_empty_map():
    model = by_hand()
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel[:, ::-1] * [[1, 1], [0, 0]], bias])
    maps = Explainer(model, ["grad_cam", "hires_cam", "layer_cam", "grad_cam_plus_plus", "score_cam"], "conv")
    for map_ in maps(HAND_FILM).values():
        assert not map_.any()


def test_explaining_one_class_or_a_single_logit():
    model = by_hand()
    maps = {target: Explainer(model, layer="conv", target=target)(HAND_FILM) for target in (0, 1)}
    np.testing.assert_allclose(maps[0]["grad_cam"][0], [[2.5, 2], [1.5, 1.5]])  # (A_1 + 2 A_2) / 4
    np.testing.assert_allclose(maps[1]["grad_cam"][0], [[1.25, 2.25], [3.25, 4.5]])  # (3 A_1 + A_2) / 4
    single = random_convnet(classes=1)
    score = Explainer(single, ["layer_cam"], "last")(films(10))["layer_cam"]
    same = Explainer(single, ["layer_cam"], "last", target=1)(films(10))["layer_cam"]
    opposite = Explainer(single, ["layer_cam"], "last", target=0)(films(10))["layer_cam"]
    np.testing.assert_array_equal(score, same)
    assert np.abs(score - opposite).max() > 0
    with pytest.raises(UserError, match=r"unknown target 2; .* 0 \(normal\), 1 \(pneumonia\)"):
        Explainer(model, layer="conv", target=2)


def test_fused_layers_keep_their_evidence():
    coarse, fine = np.full((1, 2, 2), 3.0, np.float32), np.zeros((1, 4, 4), np.float32)
    fine[0, 0, 0] = 12.0
    fused = _fused([tf.constant(coarse), tf.constant(fine)], (4, 4)).numpy()
    np.testing.assert_allclose(fused.sum(), (coarse.sum() + fine.sum()) / 2)
    np.testing.assert_allclose(fused[0, 3], 3 * 4 / 16 / 2)


def test_several_layers_are_fused_on_the_grid_of_the_largest():
    model, images = random_convnet(), films(10)
    fused = Explainer(model, ["grad_cam"], ["last", "first"])
    assert fused.grid == (8, 8)
    assert fused(images)["grad_cam"].shape == (7, 8, 8)


def test_the_input_gradient_is_the_film_s_own():
    maps = Explainer(by_hand(), ["input_gradient"], "conv")(HAND_FILM)["input_gradient"]
    # d score / d x = 2/4 where relu(x) is open, and 1/4 more where relu(5 − x) is.
    np.testing.assert_allclose(maps[0], [[0.25, 0.75], [0.75, 0.5]], atol=1e-6)


@pytest.mark.parametrize("side", [7, 10])
def test_eigen_cam_is_decomposed_on_the_cpu(side):
    """A full GPU has no memory for cuSolver, whose failure ends the process; both Gram matrices are met."""
    explain = Explainer(random_convnet(side=side), ["eigen_cam", "grad_cam"], "last")
    operations = explain._pass.get_concrete_function().graph.get_operations()
    devices = {operation.type: operation.device for operation in operations}
    assert devices["SelfAdjointEigV2"] == "/device:CPU:0"
    assert devices["Conv2D"] == ""
