"""From names to runs: recipes scaled to the profile, weights found, one job per seed and fold."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.suite.initial_weights import InitialWeights
from benchmarks.suite.options import Options
from benchmarks.suite.suites import choose_recipes
from pneumo_tf.costs.hardware import Gpu, resolve_precision
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.errors import UserError
from pneumo_tf.failures import RunFailure
from pneumo_tf.models.registry import architecture
from pneumo_tf.models.weights_file import Progress
from pneumo_tf.recipe import Recipe
from pneumo_tf.run_spec import RunSpec

SEEDS = {"full": 3, "quick": 1}
TRIVIAL_MB = 400.0
OPTIMIZER_PARTS = 4
"""Weights, gradients and two moments: copies of each parameter that training holds."""

WHOLE_RUN = 1.3
"""Peak of a worker over its whole life, scoring, explaining and saving included, over that of its steps."""


@dataclass(frozen=True)
class Quick:
    """What the quick profile cuts a recipe down to; `docs/harness.md` has the cost of cycling views."""

    size: int = 64
    films: int = 480
    epochs: int = 3
    epochs_from_scratch: int = 10
    batch: int = 32
    views: int = 8


QUICK = Quick()

Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """A run to be done.

    Args:
        spec: What it is.
        weights: File of initial weights, None for random ones.
        notes: What is said of it on the terminal and on the board.
        memory_mb: Estimate of host memory for its worker.
        conditions: To score the finished run under; none to train it.
        failure: Why it cannot be run, None if it can.
    """

    spec: RunSpec
    weights: Path | None
    notes: tuple[str, ...]
    memory_mb: float
    conditions: tuple[str, ...] = ()
    failure: RunFailure | None = None


def profile_of(options: Options, gpu: Gpu | None, *, synthetic: bool) -> str:
    """Return `"full"` or `"quick"`: the meaning of `--profile auto`, full only for real films on a GPU."""
    if options.profile != "auto":
        return options.profile
    return "full" if gpu and not synthetic else "quick"


def profile_name(options: Options, base: str) -> str:
    """Gives the profile as the board names it: runs of different profiles never share a board."""
    changed = [
        f"{name} {getattr(options, name)}" for name in ("size", "films", "epochs") if getattr(options, name)
    ]
    return f"custom: {', '.join([base, *changed])}" if changed else base


def scale(recipe: Recipe, base: str, options: Options) -> Recipe:
    """Fits a recipe to a profile and to `--size`, `--epochs` and `--views`.

    Args:
        recipe: As its module has it.
        base: `"full"` or `"quick"`.
        options: The user's.

    Returns:
        The recipe as it is run, with its side in pixels.
    """
    if not recipe.phases:
        return recipe
    entry = architecture(recipe.architecture)
    size, batch, epochs = recipe.size or entry.size, recipe.batch, max(p.epochs for p in recipe.phases)
    if base == "quick":
        size, batch = min(size, QUICK.size), min(batch, QUICK.batch)
        epochs = QUICK.epochs_from_scratch if recipe.initial == "random" else QUICK.epochs
    size, epochs = options.size or size, options.epochs or epochs
    if size < entry.minimum_size:
        raise UserError(f"{recipe.name} needs --size {entry.minimum_size} or more, not {size}")
    phases = tuple(replace(phase, epochs=min(phase.epochs, epochs)) for phase in recipe.phases)
    frozen = max((phase.epochs for phase in phases if phase.frozen and recipe.augment.active), default=0)
    views = options.views or (QUICK.views if base == "quick" else math.inf)
    return replace(
        recipe, size=size, batch=batch, phases=phases, views=int(views) if views < frozen else None
    )


def chosen_recipes(options: Options, base: str) -> list[Recipe]:
    """Gives the recipes asked for, as they are run; what is wrong with the wish is said before any work.

    Raises:
        UserError: For unknown names, and for a size that a recipe cannot take.
    """
    return [scale(recipe, base, options) for recipe in choose_recipes(options.suite, options.only)]


def make_plan(
    options: Options,
    dataset: str,
    *,
    synthetic: bool,
    gpu: Gpu | None,
    say: Say,
    progress: Progress | None = None,
) -> list[Job]:
    """Lists every run of a suite, heaviest first, done or not.

    Args:
        options: The user's.
        dataset: Fingerprint of the films.
        synthetic: The films are synthetic: no weights are downloaded for them.
        gpu: The first GPU, None on a CPU.
        say: Shows a line to the user.
        progress: For downloads.

    Returns:
        Jobs. What was changed from a recipe is in their notes; one whose weights cannot be had is a failure.

    Raises:
        UserError: For unknown names.
    """
    jobs = []
    base = profile_of(options, gpu, synthetic=synthetic)
    weights = InitialWeights(
        options.weights,
        required=base == "full" and not synthetic,
        synthetic=synthetic,
        dry_run=options.dry_run,
        progress=progress,
    )
    recipes = chosen_recipes(options, base)
    for recipe in recipes:
        jobs += _jobs(recipe, options, base, dataset, gpu, weights)
    for line in [*weights.said, *_said_of_views(recipes)]:
        say(line)
    # By the memory that a CPU would need, which tells heavy from light on a GPU too.
    return sorted(jobs, key=lambda job: -estimate_mb(job.spec.recipe, None))


def _jobs(
    recipe: Recipe,
    options: Options,
    base: str,
    dataset: str,
    gpu: Gpu | None,
    weights: InitialWeights,
) -> list[Job]:
    """One job per seed and fold of a recipe."""
    initial = weights.resolve(recipe)
    trained = bool(recipe.phases)
    spec = RunSpec(
        recipe=recipe,
        protocol=options.protocol,
        dataset=dataset,
        profile=profile_name(options, base),
        seed=0,
        fold=None,
        precision=resolve_precision(options.precision, gpu) if trained else "float64",
        weights=initial.stored,
        train_films=options.films or (QUICK.films if base == "quick" else None),
        xla=options.xla and trained,
    )
    # Nothing in a trivial fit is random: one seed says all.
    seeds = range(options.seeds or SEEDS[base]) if trained else range(1)
    specs = [
        replace(spec, seed=seed, fold=fold)
        for seed in seeds
        for fold in PROTOCOLS[options.protocol].fold_numbers
    ]
    notes = tuple(filter(None, (initial.note, views_note(recipe))))
    memory_mb = estimate_mb(recipe, gpu)
    return [Job(one, initial.file, notes, memory_mb, failure=initial.failure) for one in specs]


def views_note(recipe: Recipe) -> str:
    """Says that a recipe cycles augmented views, "" where every epoch has its own."""
    if recipe.views is None:
        return ""
    views = f"{recipe.views} augmented view{'s' * (recipe.views > 1)}"
    return (
        f"while the backbone is frozen, each film has {views}, repeated over the epochs; "
        "--views all draws new ones in every epoch"
    )


def _said_of_views(recipes: list[Recipe]) -> list[str]:
    names = [recipe.name for recipe in recipes if recipe.views]
    note = next(filter(None, map(views_note, recipes)), "")
    return [f"{', '.join(names)}: {note}"] if names else []


def estimate_mb(recipe: Recipe, gpu: Gpu | None) -> float:
    """Estimates the host memory of a run's worker, megabytes: backbone, activations and a flattening head.

    A GPU holds the activations itself.
    """
    if not recipe.phases:
        return TRIVIAL_MB
    entry = architecture(recipe.architecture)
    memory = entry.memory_mb(size=recipe.size, batch=0 if gpu else recipe.batch)
    if recipe.head.pool == "flatten" and recipe.head.units:
        # Small CNNs halve the side three times and end in 128 channels.
        memory += (recipe.size // 8) ** 2 * 128 * recipe.head.units[0] * 4e-6 * OPTIMIZER_PARTS
    return memory * WHOLE_RUN
