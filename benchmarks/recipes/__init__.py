"""Every recipe, one module per family of systems. A new recipe is one entry in one of these modules."""

from benchmarks.recipes import (
    baseline_and_regularized,
    custom_cnn_and_resnet18,
    resnet18_scratch,
    robust,
    small_cnn_sgd,
    trivial,
    two_phase_transfer,
)
from pneumo_tf.errors import unknown
from pneumo_tf.recipe import Recipe

_FAMILIES = (
    two_phase_transfer,
    baseline_and_regularized,
    custom_cnn_and_resnet18,
    small_cnn_sgd,
    resnet18_scratch,
    robust,
    trivial,
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for family in _FAMILIES for recipe in family.RECIPES}


def recipe(name: str) -> Recipe:
    """Looks a recipe up.

    Raises:
        UserError: For an unknown name, with the nearest known one.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]
