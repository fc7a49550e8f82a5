"""Scoring variants: repeated predictions of the test films by test-time augmentation or Monte-Carlo dropout.

A variant is one sample of what is random: `tta-3` scores the third augmented view of every film, `mc-3` uses
the third dropout mask. Each has its own file of predictions, from which mean, spread and every other
statistic are computed; more variants add files.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pneumo_tf.recipe import Augment, Recipe

MILD = Augment(rotation=5, shift=0.03, zoom=(0.95, 1.05), contrast=0.1)
"""Views of a recipe that trains without augmentation: positioning and exposure as they vary in practice."""

MILD_IN_WORDS = "±5° rotation, ±3 % shift, ±5 % zoom, ±10 % contrast"


@dataclass(frozen=True)
class VariantKind:
    """A kind of scoring variant.

    Args:
        option: Option of `run_all` that requests it, without dashes.
        title: One variant, in words.
        plural: Several variants, in words.
        applies: Function from a recipe to whether its models have such variants.
        otherwise: Reason if they have none, in words.
    """

    option: str
    title: str
    plural: str
    applies: Callable[[Recipe], bool]
    otherwise: str


VARIANT_KINDS: dict[str, VariantKind] = {
    "tta": VariantKind(
        "tta", "augmented view", "augmented views", lambda recipe: bool(recipe.phases), "there is no network"
    ),
    "mc": VariantKind(
        "mc-dropout",
        "dropout sample",
        "dropout samples",
        lambda recipe: bool(recipe.phases) and recipe.head.dropout > 0,
        "there is no dropout",
    ),
}
"""Kinds by the first part of their variants' names."""


def variant_name(kind: str, number: int) -> str:
    """Return the name of a variant, such as `tta-3`; variants of a kind are counted from 1."""
    return f"{kind}-{number}"


def parse_variant(name: str) -> tuple[str, int]:
    """Return kind and number of a variant, the arguments of `variant_name`."""
    kind, number = name.split("-")
    return kind, int(number)


def view_augment(recipe: Recipe) -> Augment:
    """Return the augmentation of test-time views: the recipe's own, or a mild one if it has none."""
    return recipe.augment if recipe.augment.active else MILD
