"""Suites: named lists of recipes."""

import fnmatch
from collections.abc import Mapping

from benchmarks.recipes import RECIPES
from pneumo_tf.errors import UserError, unknown
from pneumo_tf.recipe import Recipe

_TRIVIAL = [name for name, recipe in RECIPES.items() if recipe.family == "Trivial"]
_THREE_CLASSES = [name for name, recipe in RECIPES.items() if recipe.family == "Three classes"]
_OURS = [name for name, recipe in RECIPES.items() if recipe.family == "Ours"]
_REPRODUCED = [
    "convnext_base",
    "resnet101v2",
    "densenet121",
    "resnet50v2",
    "vgg16",
    "baseline_cnn",
    "regularized_cnn",
    "mobilenetv2_frozen",
    "mobilenetv2_finetuned",
    "densenet121_frozen",
    "custom_cnn",
    "resnet18_transfer",
    "small_cnn_sgd",
    "resnet18_scratch",
    "resnet18_scratch_augmented",
    "resnet18_scratch_weighted",
]

SUITES: Mapping[str, list[str]] = {
    "core": [
        "convnext_base",
        "resnet101v2",
        "densenet121",
        "resnet50v2",
        "vgg16",
        "resnet18_transfer",
        "mobilenetv2_robust",
        "mobilenetv2_finetuned",
        "custom_cnn",
        "regularized_cnn",
        "baseline_cnn",
        *_TRIVIAL,
    ],
    "all": list(RECIPES),
    "reproduced": [*_REPRODUCED, *_TRIVIAL],
    "ours": [*_OURS, *_TRIVIAL],
    "three_classes": ["mobilenetv2_frozen", "baseline_cnn", *_THREE_CLASSES, *_TRIVIAL],
    "trivial": _TRIVIAL,
}


def choose_recipes(suite: str, only: str | None) -> list[Recipe]:
    """Return the recipes of a suite, or all recipes that match patterns.

    Args:
        suite: Key of `SUITES`.
        only: Names or shell patterns with commas between; replaces the suite.

    Raises:
        UserError: For an unknown suite, or a pattern without a match.
    """
    if only is None:
        if suite not in SUITES:
            raise unknown("suite", suite, SUITES)
        return [RECIPES[name] for name in SUITES[suite]]
    chosen: list[str] = []
    for pattern in filter(None, (part.strip() for part in only.split(","))):
        matched = fnmatch.filter(RECIPES, pattern)
        if not matched:
            raise unknown("recipe", pattern, RECIPES)
        chosen += [name for name in matched if name not in chosen]
    if not chosen:
        raise UserError("--only names no recipe; --list shows them")
    return [RECIPES[name] for name in chosen]
