"""Profiles: recipes at full size, or reduced for a quick run."""

import math
from dataclasses import dataclass, replace

from benchmarks.suite import suites
from benchmarks.suite.options import Options
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.errors import UserError
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Recipe

SEEDS = {"full": 3, "quick": 1}


@dataclass(frozen=True)
class Quick:
    """Limits of the quick profile; `docs/harness.md` has the loss of AUC from cycling views."""

    size: int = 64
    films: int = 480
    epochs: int = 3
    epochs_from_scratch: int = 10
    batch: int = 32
    views: int = 8


QUICK = Quick()


def resolve_profile(options: Options, gpu: Gpu | None, *, synthetic: bool) -> str:
    """Return `"full"` or `"quick"`; auto means full for real films on a GPU, otherwise quick."""
    if options.profile != "auto":
        return options.profile
    return "full" if gpu and not synthetic else "quick"


def profile_name(options: Options, profile: str) -> str:
    """Return the name of a profile with its changes; runs of different profiles never share a board."""
    changed = [
        f"{name} {getattr(options, name)}" for name in ("size", "films", "epochs") if getattr(options, name)
    ]
    return f"custom: {', '.join([profile, *changed])}" if changed else profile


def train_films(options: Options, profile: str) -> int | None:
    """Return the largest number of training films, None for all."""
    return options.films or (QUICK.films if profile == "quick" else None)


def choose_recipes(options: Options, profile: str) -> list[Recipe]:
    """Return the chosen recipes, scaled to the profile.

    Raises:
        UserError: For unknown names, and for a size that is too small for a recipe.
    """
    return [scale(recipe, profile, options) for recipe in suites.choose_recipes(options.suite, options.only)]


def scale(recipe: Recipe, profile: str, options: Options) -> Recipe:
    """Scale a recipe to a profile and to `--size`, `--epochs` and `--views`.

    Args:
        recipe: Recipe as defined in its module.
        profile: `"full"` or `"quick"`.
        options: Options of the command.

    Returns:
        Recipe to run, with its film size set.

    Raises:
        UserError: If the size is too small for the architecture.
    """
    if not recipe.phases:
        return recipe
    entry = architecture(recipe.architecture)
    size, batch, epochs = recipe.size or entry.size, recipe.batch, max(p.epochs for p in recipe.phases)
    if profile == "quick":
        size, batch = min(size, QUICK.size), min(batch, QUICK.batch)
        epochs = QUICK.epochs_from_scratch if recipe.initial == "random" else QUICK.epochs
    size, epochs = options.size or size, options.epochs or epochs
    if size < entry.minimum_size:
        raise UserError(f"{recipe.name} needs --size {entry.minimum_size} or more, not {size}")
    phases = tuple(replace(phase, epochs=min(phase.epochs, epochs)) for phase in recipe.phases)
    frozen = max((phase.epochs for phase in phases if phase.frozen and recipe.augment.active), default=0)
    views = options.views or (QUICK.views if profile == "quick" else math.inf)
    return replace(
        recipe, size=size, batch=batch, phases=phases, views=int(views) if views < frozen else None
    )


def uses_xla(options: Options, recipe: Recipe, gpu: Gpu | None) -> bool:
    """Return whether a network is compiled with XLA; auto means on a GPU, if its backbone is no exception."""
    if options.xla == "auto":
        return gpu is not None and not architecture(recipe.architecture).without_xla
    return options.xla == "on"


def xla_note(options: Options, recipe: Recipe, gpu: Gpu | None) -> str:
    """Return the note of a network that `--xla auto` does not compile on a GPU; "" for all others."""
    if not (recipe.phases and gpu and options.xla == "auto"):
        return ""
    reason = architecture(recipe.architecture).without_xla
    return f"without XLA: {reason}" if reason else ""


def views_note(recipe: Recipe) -> str:
    """Return the note of a recipe that cycles augmented views, "" if every epoch has new ones."""
    if recipe.views is None:
        return ""
    views = "1 augmented view" if recipe.views == 1 else f"{recipe.views} augmented views"
    return (
        f"while the backbone is frozen, each film has {views}, repeated over the epochs; "
        "--views all gives every epoch new ones"
    )


def views_lines(recipes: list[Recipe]) -> list[str]:
    """Return a line that names the recipes with cycled views, or no line if there are none."""
    names = [recipe.name for recipe in recipes if recipe.views]
    note = next(filter(None, map(views_note, recipes)), "")
    return [f"{', '.join(names)}: {note}"] if names else []
