"""Test-time augmentation and Monte-Carlo dropout: repeated predictions of the test films, and who has them.

A condition is one sample of what is random: `tta-3` is the third augmented view of every film, `mc-3` the
third dropout mask. Each has its own file of predictions, from which mean, spread and every other statistic
follow; more conditions add files.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pneumo_tf.recipe import Augment, Recipe

MILD = Augment(rotation=5, shift=0.03, zoom=(0.95, 1.05), contrast=0.1)
"""Views of a recipe that trains without augmentation: positioning and exposure as they vary in practice."""

MILD_IN_WORDS = "±5° rotation, ±3 % shift, ±5 % zoom, ±10 % contrast"


@dataclass(frozen=True)
class Kind:
    """A kind of condition.

    Args:
        option: Option of `run_all` that asks for it, without dashes.
        title: One sample, in words.
        plural: Several samples, in words.
        applies: Takes a recipe; whether anything in it is random in this way.
        otherwise: Why nothing is, in words.
    """

    option: str
    title: str
    plural: str
    applies: Callable[[Recipe], bool]
    otherwise: str


KINDS: dict[str, Kind] = {
    "tta": Kind(
        "tta", "augmented view", "augmented views", lambda recipe: bool(recipe.phases), "there is no network"
    ),
    "mc": Kind(
        "mc-dropout",
        "draw of dropout",
        "draws of dropout",
        lambda recipe: bool(recipe.phases) and recipe.head.dropout > 0,
        "there is no dropout",
    ),
}
"""Kinds by the first part of the names of their conditions."""


def condition_name(kind: str, number: int) -> str:
    """Return the name of a condition, such as `tta-3`; samples are counted from 1."""
    return f"{kind}-{number}"


def parse_condition(name: str) -> tuple[str, int]:
    """Return kind and number of a condition, as `condition_name` takes them."""
    kind, number = name.split("-")
    return kind, int(number)


def view_augment(recipe: Recipe) -> Augment:
    """Return the augmentation of test-time views: the recipe's own, or a mild one if it has none."""
    return recipe.augment if recipe.augment.active else MILD
