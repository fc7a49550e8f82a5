"""All methods on every architecture of the registry; what is refused, and how."""

import keras
import numpy as np
import pytest

from pneumo_tf.errors import UserError
from pneumo_tf.explain.baselines import BASELINES
from pneumo_tf.explain.cam import METHODS
from pneumo_tf.explain.explainer import Explainer, make_scorer
from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.recipe import Head
from tests.explain.networks import by_hand, films, random_convnet

GRADIENT_METHODS = [name for name in METHODS if name != "score_cam"]
SIDE = 64
TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 0.06, "mixed_float16": 0.02}
CHEAP = [("conv4_gray", "float32"), ("conv4_gray", "mixed_bfloat16"), ("mobilenetv2", "float32")]
TABLE = [(name, policy) for name in ARCHITECTURES for policy in ("float32", "mixed_bfloat16")]
TABLE += [("conv4_gray", "mixed_float16")]


@pytest.fixture
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()


@pytest.mark.parametrize(
    ("name", "policy"),
    [pytest.param(*row, marks=() if row in CHEAP else pytest.mark.slow) for row in TABLE],
    indirect=["policy"],
)
def test_every_gradient_method_on_every_architecture(name, policy):
    keras.utils.set_random_seed(1)
    model = build(name, head=Head(units=(8,)), size=SIDE)
    explain = Explainer(model, [*GRADIENT_METHODS, "input_gradient"])
    images = films(SIDE)
    together = explain(images)
    alone = [explain(images[place : place + 1]) for place in range(len(images))]
    for method, maps in together.items():
        assert maps.shape == (7, *explain.grid)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()
        assert maps.min() >= 0
        if method in ("layer_cam", "eigen_cam", "input_gradient"):
            assert maps.max() > 0, f"{method} reaches nothing"
        singles = np.concatenate([one[method] for one in alone])
        np.testing.assert_allclose(maps, singles, atol=TOLERANCE[policy] * maps.max())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [entry.name for entry in ARCHITECTURES.values() if entry.published_cam_layer]
)
def test_the_published_layers_can_be_explained(name):
    model = build(name, head=Head(), size=SIDE)
    explain = Explainer(model, ["layer_cam"], ARCHITECTURES[name].published_cam_layer)
    assert explain(films(SIDE))["layer_cam"].max() > 0
    assert explain.grid == Explainer(model).grid  # the truth tables lay their maps side by side


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return build("conv4_gray", head=Head(units=(8,)), size=48)


def test_every_method_and_baseline_gives_the_same_maps_in_any_batch(small):
    images = films(48, 5)
    whole = Explainer(small, [*METHODS, *BASELINES])(images)
    parts = Explainer(small, [*METHODS, *BASELINES], batch=2)(images)
    assert list(whole) == [*METHODS, *BASELINES]
    for name, maps in whole.items():
        np.testing.assert_allclose(maps, parts[name], rtol=1e-4, atol=1e-5 * maps.max(), err_msg=name)


def test_no_films_give_no_maps(small):
    assert Explainer(small, ["grad_cam", "edges"])(films(48, 0))["edges"].shape == (0, 6, 6)


def test_gradients_pass_frozen_weights(small):
    images = films(48, 2)
    free = Explainer(small, ["layer_cam", "input_gradient"])(images)
    small.trainable = False
    try:
        frozen = Explainer(small, ["layer_cam", "input_gradient"])(images)
    finally:
        small.trainable = True
    for name, maps in free.items():
        assert maps.max() > 0
        np.testing.assert_allclose(maps, frozen[name], rtol=1e-5)


def test_weights_that_change_later_are_explained(small):
    explain = Explainer(small, ["layer_cam"])
    before, kept = explain(films(48, 1))["layer_cam"], small.get_weights()
    small.set_weights([2 * weight for weight in kept])
    after = explain(films(48, 1))["layer_cam"]
    small.set_weights(kept)
    assert np.abs(after - before).max() > 0.1 * before.max()


def test_the_scorer_is_the_model(small):
    logits = small(films(48)[..., None]).numpy()
    np.testing.assert_allclose(make_scorer(small, batch=3)(films(48)), logits[:, 1] - logits[:, 0], rtol=1e-5)


def test_random_maps_belong_to_the_film(small):
    images = films(48, 3)
    first = Explainer(small, ["random"])(images)["random"]
    np.testing.assert_array_equal(first[::-1], Explainer(small, ["random"])(images[::-1])["random"])
    assert np.abs(first[0] - first[1]).max() > 0


def test_edges_are_where_the_film_changes():
    film = np.zeros((1, 48, 48), np.uint8)
    film[:, :, 24:] = 200
    edges = Explainer(build("conv4_gray", head=Head(), size=48), ["edges"])(film)["edges"][0]
    assert edges[:, [0, 1, 4, 5]].max() == 0
    assert edges[:, 2:4].min() > 0


REFUSED = {
    "unknown method 'gradcam'; did you mean 'grad_cam'": {"methods": ["gradcam"]},
    "unknown layer 'block4_rely'; did you mean 'block4_relu'": {"layer": "block4_rely"},
    "'head_pool' of conv4_gray has no height and width .* the last that has is 'block4_pool'": {
        "layer": "head_pool"
    },
    "'film' of conv4_gray has no height and width": {"layer": "film"},
    "no layer to explain was named": {"layer": []},
    "unknown target 2": {"target": 2},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_wrong_use_is_refused_in_one_line(small, reason):
    with pytest.raises(UserError, match=reason) as error:
        Explainer(small, **REFUSED[reason])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrong", [np.zeros((2, 48, 48)), np.zeros((2, 32, 32), np.uint8)])
def test_other_films_are_refused(small, wrong):
    with pytest.raises(UserError, match=r"films must be uint8 \(n, 48, 48\)"):
        Explainer(small)(wrong)


def test_a_stranger_needs_its_layer_named():
    with pytest.raises(UserError, match="by_hand is not in the registry"):
        Explainer(by_hand())


def test_a_nested_backbone_from_elsewhere_is_refused_with_the_reason(tmp_path):
    inner = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(2, 3)], name="backbone")
    film = keras.Input((16, 16, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(inner(film))
    keras.Model(film, keras.layers.Dense(1)(pooled), name="elsewhere").save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    with pytest.raises(UserError, match="layer 'backbone' of elsewhere is a nested model") as error:
        Explainer(model, layer="backbone")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("shape", "classes", "reason"),
    [((16, 16, 3), 2, "not grey films"), ((16, 16, 1), 5, "one, two or three logits")],
)
def test_models_for_something_else_are_refused(shape, classes, reason):
    film = keras.Input(shape)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, name="conv")(film))
    with pytest.raises(UserError, match=reason):
        Explainer(keras.Model(film, keras.layers.Dense(classes)(x)), layer="conv")


def test_integers_that_are_cast_out_of_reach_are_refused():
    film = keras.Input((16, 16, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(film)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, name="conv")(x))
    with pytest.raises(UserError, match="input_float"):
        Explainer(keras.Model(film, keras.layers.Dense(1)(x)), layer="conv")


def test_a_layer_inside_a_residual_branch_is_in_reach():
    model = build("resnet18_gray", head=Head(), size=SIDE)
    name = next(layer.name for layer in model.layers if layer.name.startswith("layer3_0") and layer.weights)
    maps = Explainer(model, ["layer_cam"], name)(films(SIDE, 2))["layer_cam"]
    assert maps.max() > 0


def test_a_film_in_floating_point_is_taken_as_it_comes():
    expected = Explainer(random_convnet(), layer="last")(films(10))["grad_cam"]
    in_floats = random_convnet(film_dtype="float64")
    np.testing.assert_allclose(Explainer(in_floats, layer="last")(films(10))["grad_cam"], expected, rtol=1e-6)
