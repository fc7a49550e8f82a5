"""Scoring variants: repeated predictions of the test films by test-time augmentation or Monte-Carlo dropout.

A variant is one random sample: `tta-3` scores the third augmented view of every film, `mc-3` uses the third
dropout mask. Each has its own file of predictions. Mean, spread and other statistics are computed from these.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pneumo_tf.recipe import Augment, Recipe

MILD = Augment(rotation=5, shift=0.03, zoom=(0.95, 1.05), contrast=0.1)
"""Augmentation of views if a recipe has none: variation of positioning and exposure as in practice."""

MILD_IN_WORDS = "±5° rotation, ±3 % shift, ±5 % zoom, ±10 % contrast"


@dataclass(frozen=True)
class VariantKind:
    """A kind of scoring variant.

    Args:
        option: Option of `run_all` that requests it, without dashes.
        title: Name of one variant in sentences.
        plural: Plural of the title.
        applies: Function from a recipe to whether it can have such variants.
        reason: Reason if a recipe cannot have them, in words.
    """

    option: str
    title: str
    plural: str
    applies: Callable[[Recipe], bool]
    reason: str


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
"""Kinds of variants, by the first part of the variant's name."""


def variant_name(kind: str, number: int) -> str:
    """Return the name of a variant, such as `tta-3`; variants of a kind are numbered from 1."""
    return f"{kind}-{number}"


def parse_variant(name: str) -> tuple[str, int]:
    """Return kind and number of a variant from its name."""
    kind, number = name.split("-")
    return kind, int(number)


def view_augment(recipe: Recipe) -> Augment:
    """Return the augmentation of test-time views: the recipe's own, or a mild one if it has none."""
    return recipe.augment if recipe.augment.active else MILD
