"""What a run leaves for the report, on a model that is known through and through."""

import json

import numpy as np
import pytest

from pneumo_tf.explain.explainer import Explainer, scorer
from pneumo_tf.explain.measures import DELETION_FILMS, MEASURED, measure
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Head
from tests.explain.networks import films

SIDE, COUNT = 48, 6


@pytest.fixture(scope="module")
def model():
    return build("conv4_gray", head=Head(), size=SIDE)


def masks_of(count):
    masks = np.zeros((count, SIDE, SIDE), bool)
    masks[: count // 2, 20:30, 10:20] = True
    return masks


def measured(model, images, **more):
    ids = [f"test/{n}.jpeg" for n in range(len(images))]
    return measure(Explainer(model, MEASURED), scorer(model), images, ids, **more)


def test_every_method_has_a_value_per_film_and_measure(model):
    left = measured(
        model, films(SIDE, COUNT), masks=masks_of(COUNT), lungs=np.ones((COUNT, SIDE, SIDE), bool)
    )
    assert left == json.loads(json.dumps(left, allow_nan=False))
    assert (left["layers"], left["grid"]) == (["block4_relu"], [6, 6])
    assert tuple(left["methods"]) == MEASURED
    for values in left["methods"].values():
        assert all(len(of) == COUNT for name, of in values.items() if name != "title")
        assert {"pointing", "energy", "iou", "best_iou", "lungs", "deletion", "border", "corners"} < set(
            values
        )
        # A film without an opacity asks for no pointing, one with any answers.
        assert [value is None for value in values["pointing"]] == [False] * 3 + [True] * 3
        assert values["lungs"] == pytest.approx([1 - empty for empty in values["empty"]])
    assert left["methods"]["centre"]["title"] == "blob in the middle"


def test_deletion_is_of_films_called_pneumonia(model):
    images = films(SIDE, COUNT)
    called = scorer(model)(images) > 0
    for values in measured(model, images)["methods"].values():
        assert [value is not None for value in values["deletion"]] == called.tolist()


def test_deletion_stops_at_its_share_of_films(model):
    few = measure(
        Explainer(model, ["centre"]),
        lambda images: np.ones(len(images)),
        films(SIDE, DELETION_FILMS + 5),
        [str(n) for n in range(DELETION_FILMS + 5)],
    )["methods"]["centre"]["deletion"]
    assert [value is not None for value in few] == [True] * DELETION_FILMS + [False] * 5


def test_a_set_without_masks_is_measured_by_what_remains(model):
    for values in measured(model, films(SIDE, 2))["methods"].values():
        assert not {"pointing", "energy", "iou", "best_iou", "lungs"} & set(values)
        assert {"deletion", "border", "corners", "empty", "outside_body"} < set(values)


def test_no_films_are_no_trouble(model):
    left = measured(model, films(SIDE, 0))
    assert left["methods"]["grad_cam"]["border"] == []
