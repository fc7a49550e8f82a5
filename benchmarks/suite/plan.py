"""From names to runs: recipes scaled to the profile, weights found, one job per seed and fold."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.suite.options import Options
from benchmarks.suite.suites import choose
from pneumo_tf.costs.hardware import Gpu, resolve_precision
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.errors import UserError, unknown
from pneumo_tf.models.registry import ARCHITECTURES, architecture
from pneumo_tf.models.weights_file import digest, fetch, find
from pneumo_tf.recipe import Recipe
from pneumo_tf.run import RunSpec

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

NOT_FOR_SYNTHETIC = "nothing is downloaded for synthetic films"

Say = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """A run to be done.

    Args:
        spec: What it is.
        weights: File of initial weights, None for random ones.
        notes: What is said of it on the terminal and on the board.
        memory_mb: Estimate of host memory for its worker.
        conditions: To score the finished run under; none to train it.
    """

    spec: RunSpec
    weights: Path | None
    notes: tuple[str, ...]
    memory_mb: float
    conditions: tuple[str, ...] = ()


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
    return [scale(recipe, base, options) for recipe in choose(options.suite, options.only)]


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
        Jobs. What was changed from a recipe is in their notes.

    Raises:
        UserError: For unknown names, and for weights that were asked for and cannot be had.
    """
    reason = "a dry run downloads nothing" if options.dry_run else NOT_FOR_SYNTHETIC if synthetic else None
    weights = _InitialWeights(options.weights, without_download=reason, progress=progress)
    jobs = []
    base = profile_of(options, gpu, synthetic=synthetic)
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
    weights: "_InitialWeights",
) -> list[Job]:
    """One job per seed and fold of a recipe."""
    file, note = weights.resolve(recipe)
    trained = bool(recipe.phases)
    spec = RunSpec(
        recipe=recipe,
        protocol=options.protocol,
        dataset=dataset,
        profile=profile_name(options, base),
        seed=0,
        fold=None,
        precision=resolve_precision(options.precision, gpu) if trained else "float64",
        weights=f"imagenet {digest(file)}" if file else "random" if trained else "none",
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
    notes = tuple(filter(None, (note, views_note(recipe))))
    return [Job(one, file, notes, estimate_mb(recipe, gpu)) for one in specs]


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


class _InitialWeights:
    """Finds the file of each architecture once, and remembers what has to be said."""

    def __init__(self, wanted: str, *, without_download: str | None, progress: Progress | None) -> None:
        self.given = None if wanted in ("auto", "imagenet", "random") else Path(wanted)
        if self.given and not self.given.exists():
            raise UserError(f"--weights {wanted}: no such file or folder; or use auto, imagenet or random")
        names = [entry.weights.file for entry in ARCHITECTURES.values() if entry.weights]
        if self.given and self.given.is_file() and self.given.name not in names:
            raise unknown("weights file", self.given.name, names)
        self.wanted, self.without_download, self.progress = wanted, without_download, progress
        self.files: dict[str, Path | None] = {}
        self.offline: str | None = None
        self.lacking: list[str] = []

    def resolve(self, recipe: Recipe) -> tuple[Path | None, str]:
        """Gives the file, or None and the note that belongs on the board."""
        if recipe.initial == "random" or not recipe.phases:
            return None, ""
        if self.wanted == "random":
            return None, "random initial weights instead of ImageNet's, as asked (--weights random)"
        name = recipe.architecture
        if name not in self.files:
            self.files[name] = self._locate(name)
        if self.files[name] is None:
            return None, "random initial weights: ImageNet's were not on this machine"
        return self.files[name], ""

    def _locate(self, name: str) -> Path | None:
        weights = architecture(name).weights
        file = find(weights, self.given)
        dry = self.without_download and self.without_download != NOT_FOR_SYNTHETIC
        if file or dry or (self.wanted == "auto" and (self.without_download or self.offline)):
            self.lacking += [] if file else [name]
            return file
        try:
            return fetch(weights, self.progress)
        except UserError as error:
            if self.wanted != "auto":
                raise UserError(f"{error}; or start from random weights: --weights random") from error
            self.offline = str(error)
            self.lacking.append(name)
            return None

    @property
    def said(self) -> list[str]:
        """Lines for the terminal."""
        if not self.lacking:
            return []
        why = self.offline or f"not on this machine; {self.without_download}"
        return [
            f"RANDOM INITIAL WEIGHTS for {', '.join(self.lacking)}: ImageNet's are missing ({why}). "
            "The board says so. To have them: --weights imagenet, or --weights FOLDER."
        ]
