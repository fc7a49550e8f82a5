"""Recipes that apply to a set of films: some need columns of the table of films, some need subtypes."""

from collections.abc import Collection, Sequence

from benchmarks.suite.terminal import Terminal
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Films
from pneumo_tf.data.target_classes import TARGET_CLASSES, empty_targets, without_target
from pneumo_tf.errors import UserError
from pneumo_tf.models.trivial import TRIVIAL_MODELS
from pneumo_tf.recipe import Recipe


def missing_covariates(recipe: Recipe, known: Collection[str]) -> list[str]:
    """Return the columns of a film table that a recipe needs and that are not in `known`."""
    model = TRIVIAL_MODELS.get(recipe.architecture)
    return [name for name in model.covariates if name not in known] if model else []


def missing_for_training(recipe: Recipe, films: Films | None) -> str:
    """Return why films cannot be used to train a recipe, `""` if they can.

    Args:
        recipe: The recipe.
        films: The films, None if a dry run has none yet.
    """
    if columns := missing_covariates(recipe, films.covariates if films else ()):
        return f"the films have no {', '.join(columns)}"
    other = without_target(films or (), recipe.head.classes)
    if other:
        classes = ", ".join(TARGET_CLASSES[recipe.head.classes])
        return f"{len(other):,} films have none of its classes {classes}, such as {other[0]!r}"
    if films and (empty := empty_targets(films, recipe.head.classes)):
        return f"no film is of its class {empty[0]}"
    return ""


def applies_to(recipe: Recipe, dataset: Dataset) -> bool:
    """Return whether a trained recipe can score a dataset, which has the columns that it needs."""
    return not missing_covariates(recipe, dataset.films.covariates)


def applicable_recipes(
    recipes: Sequence[Recipe], dataset: Dataset | None, terminal: Terminal
) -> list[Recipe]:
    """Return the recipes that apply to the films, and log those that do not.

    Args:
        recipes: Chosen recipes.
        dataset: The films, None if a dry run has none yet.
        terminal: Terminal that shows the recipes left out.

    Raises:
        UserError: If no recipe applies.
    """
    films = dataset.films if dataset else None
    left_out = {
        recipe.name: missing for recipe in recipes if (missing := missing_for_training(recipe, films))
    }
    lines = [f"{name} is left out: {missing}" for name, missing in left_out.items()]
    if len(left_out) == len(recipes):
        raise UserError(f"no recipe applies to these films: {'; '.join(lines)}")
    for line in lines:
        terminal.warn(line)
    return [recipe for recipe in recipes if recipe.name not in left_out]
