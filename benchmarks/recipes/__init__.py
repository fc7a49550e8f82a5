"""Every recipe, one module per published system. A new recipe is one entry in one of these modules."""

from collections.abc import Iterable

from benchmarks.recipes import (
    keras_180px,
    pytorch_224px,
    resnet18_scratch,
    robust,
    small_cnn_sgd,
    three_classes,
    trivial,
    two_phase_transfer,
)
from pneumo_tf.errors import UserError, unknown
from pneumo_tf.models.registry import ARCHITECTURES
from pneumo_tf.recipe import Recipe

_SYSTEMS = (
    two_phase_transfer,
    keras_180px,
    pytorch_224px,
    small_cnn_sgd,
    resnet18_scratch,
    robust,
    three_classes,
    trivial,
)


def index_recipes(recipes: Iterable[Recipe]) -> dict[str, Recipe]:
    """Index recipes by name.

    Raises:
        UserError: If two recipes have the same name, or one does not fit its architecture.
    """
    indexed: dict[str, Recipe] = {}
    for entry in recipes:
        if entry.name in indexed:
            raise UserError(f"two recipes are named {entry.name!r}; give one of them another name")
        _check_architecture(entry)
        indexed[entry.name] = entry
    return indexed


def _check_architecture(entry: Recipe) -> None:
    """Reject a network without phases, and ImageNet weights that an architecture does not have.

    Architectures of trivial rows are not in this registry; an unknown name fails when it is built.
    """
    network = ARCHITECTURES.get(entry.architecture)
    if network and not entry.phases:
        raise UserError(
            f"{entry.name}: {entry.architecture} is a network; give the recipe phases to train it"
        )
    if network and entry.initial == "imagenet" and network.weights is None:
        raise UserError(f'{entry.name}: {entry.architecture} has no ImageNet weights; set initial="random"')


RECIPES: dict[str, Recipe] = index_recipes(entry for system in _SYSTEMS for entry in system.RECIPES)


def recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        UserError: For an unknown name, with the nearest known one.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]
