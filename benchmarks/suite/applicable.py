"""Recipes that apply to a set of films: some need columns of its table."""

from collections.abc import Collection, Sequence

from benchmarks.suite.terminal import Terminal
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.errors import UserError
from pneumo_tf.models.trivial import TRIVIAL_MODELS
from pneumo_tf.recipe import Recipe


def missing_covariates(recipe: Recipe, known: Collection[str]) -> list[str]:
    """Return the columns of a film table that a recipe needs and that are not among those known."""
    model = TRIVIAL_MODELS.get(recipe.architecture)
    return [name for name in model.covariates if name not in known] if model else []


def applicable_recipes(
    recipes: Sequence[Recipe], dataset: Dataset | None, terminal: Terminal
) -> list[Recipe]:
    """Return the recipes that apply to the films, and log those that do not.

    Args:
        recipes: Chosen recipes.
        dataset: The films, None if a dry run has none yet.
        terminal: Shows the recipes that are left out.

    Raises:
        UserError: If no recipe applies.
    """
    known = dataset.films.covariates if dataset else ()
    left_out = {recipe.name: missing for recipe in recipes if (missing := missing_covariates(recipe, known))}
    lines = [
        f"{name} is left out: the films have no {', '.join(columns)}" for name, columns in left_out.items()
    ]
    if len(left_out) == len(recipes):
        raise UserError(f"no recipe applies to these films: {'; '.join(lines)}")
    for line in lines:
        terminal.warn(line)
    return [recipe for recipe in recipes if recipe.name not in left_out]
