import dataclasses
import json

import pytest

from benchmarks.recipes import RECIPES, index_recipes
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Augment, Head, Phase, Recipe

NETWORK = Recipe("x", "conv4_gray", (Phase(3, 1e-3),))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json(name):
    recipe = RECIPES[name]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_documentation_is_not_part_of_what_is_hashed():
    plain = Recipe("x", "vgg16")
    described = dataclasses.replace(plain, source="somewhere", expected=(0.1, 0.2), informed_by_test=True)
    assert plain.distinctive() == described.distinctive()
    assert plain.distinctive() != dataclasses.replace(plain, batch=33).distinctive()


def test_only_what_is_not_the_default_is_hashed():
    recipe = Recipe("x", "vgg16", (Phase(3, 1e-3, momentum=0.9),), Head(units=(5,)))
    assert recipe.distinctive() == {
        "name": "x",
        "architecture": "vgg16",
        "phases": [{"epochs": 3, "learning_rate": 1e-3, "momentum": 0.9}],
        "head": {"units": [5]},
    }


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Phase(3, 1e-3, train="heed"), "did you mean 'head'"),
        (lambda: Phase(0, 1e-3), "phase.epochs"),
        (lambda: Phase(3, -1.0), "phase.learning_rate"),
        (lambda: Head(classes=4), "head.classes"),
        (lambda: Recipe("x", "vgg16", head=Head(classes=3), class_weights=(1.0, 2.0)), "are a rule"),
        (lambda: Head(dropout=1.0), "head.dropout"),
        (lambda: Augment(flip=1.5), "augment.flip"),
        (lambda: Augment(crop_area=(0.5, 0.2)), "augment.crop_area"),
        (lambda: Recipe("x", "vgg16", edge_crop=0.5), "recipe.edge_crop"),
        (lambda: Recipe("x", "vgg16", views=0), "recipe.views"),
        (lambda: Recipe("a/b", "vgg16"), "names folders"),
        (lambda: Recipe("x", "vgg16", phases=Phase(3, 1e-3)), "with its comma"),
        (lambda: index_recipes([NETWORK, NETWORK]), "two recipes are named 'x'"),
        (lambda: index_recipes([Recipe("x", "conv4_gray")]), "give the recipe phases"),
        (lambda: index_recipes([dataclasses.replace(NETWORK, initial="imagenet")]), "no ImageNet weights"),
        (lambda: Recipe("x", "vgg16", select="bst"), "did you mean 'best'"),
        (
            lambda: Recipe.from_dict({"name": "x", "architecture": "vgg16", "batchs": 3}),
            "did you mean 'batch'",
        ),
    ],
)
def test_a_wrong_recipe_is_one_line_that_names_the_field(make, said):
    with pytest.raises(UserError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_augment_is_active_when_anything_can_change():
    assert not Augment().active
    assert not Augment(fill="black").active
    assert Augment(gamma=0.1).active


def test_a_frozen_phase_cycles_its_views_and_no_other_does():
    phases = tuple(
        Phase(7, 1e-3, train=train, batch_norm=batch_norm)
        for train, batch_norm in (
            ("head", "inference"),
            ("last_stage", "inference"),
            ("head", "training"),
            ("all", "inference"),
        )
    )
    recipe = Recipe("x", "vgg16", phases, views=3)
    seen = [[recipe.view(phase, epoch) for epoch in range(7)] for phase in range(4)]
    assert seen == [[0, 1, 2, 0, 1, 2, 0]] * 2 + [[0, 1, 2, 3, 4, 5, 6]] * 2
    every = dataclasses.replace(recipe, views=None)
    assert [every.view(0, epoch) for epoch in range(7)] == [0, 1, 2, 3, 4, 5, 6]
    assert "views" not in every.distinctive()
