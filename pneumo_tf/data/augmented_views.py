"""Conditions under which a trained model scores the test films again, and which recipes have them.

A condition is one draw of what is random: `tta-3` is the third augmented view of every film, `mc-3` the third
draw of dropout. Each has a file of predictions of its own, so that the mean, the spread and every other
statistic can be had from them, and more draws add files.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pneumo_tf.recipe import Augment, Recipe

MILD = Augment(rotation=5, shift=0.03, zoom=(0.95, 1.05), contrast=0.1)
"""Views of a recipe that trains without augmentation: what positioning and exposure change in practice."""

MILD_SAID = "±5° rotation, ±3 % shift, ±5 % zoom, ±10 % contrast"


@dataclass(frozen=True)
class Kind:
    """A kind of condition.

    Args:
        option: Of `run_all`, without dashes.
        title: One draw, in words.
        plural: Several draws.
        applies: Whether a recipe has anything to draw.
        otherwise: Why one has not, in words.
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
"""Kinds by the first part of their conditions' names."""


def name(kind: str, number: int) -> str:
    """The condition of a draw, counted from 1, such as `tta-3`."""
    return f"{kind}-{number}"


def parse(condition: str) -> tuple[str, int]:
    """Reads `name`."""
    kind, number = condition.split("-")
    return kind, int(number)


def view_augment(recipe: Recipe) -> Augment:
    """What augmented views are drawn by: the recipe's own augmentation, or where it has none a mild one."""
    return recipe.augment if recipe.augment.active else MILD
