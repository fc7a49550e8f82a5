"""Plan of a suite: one job for each seed and fold of every recipe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.suite.initial_weights import InitialWeights
from benchmarks.suite.options import Options
from benchmarks.suite.profile import SEEDS, profile_name, train_films, uses_xla, views_note, xla_note
from benchmarks.worker.assignment import Task
from pneumo_tf.costs.hardware import Gpu, resolve_precision
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.failures import RunFailure
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Recipe
from pneumo_tf.run_spec import RunSpec

TRIVIAL_MB = 400.0
OPTIMIZER_PARTS = 4
"""Values that training keeps per parameter: weight, gradient and two moments."""

WHOLE_RUN = 1.3
"""Peak memory of a whole run, with scoring, explaining and saving, relative to that of its training steps."""


@dataclass(frozen=True)
class Job:
    """A task for a worker.

    Args:
        spec: The run.
        weights: File of initial weights, None for random ones.
        notes: Notes for the terminal and the board.
        memory_mb: Estimate of host memory for its worker.
        task: Make the run, or add to a finished one.
        variants: Names of the scoring variants that the task `score` adds.
        external: Fingerprints of the external sets that the tasks `score` and `localise` use.
        failure: Reason why the run cannot be made, None if it can.
    """

    spec: RunSpec
    weights: Path | None
    notes: tuple[str, ...]
    memory_mb: float
    task: Task = "run"
    variants: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    failure: RunFailure | None = None


def make_plan(
    recipes: Sequence[Recipe],
    options: Options,
    profile: str,
    dataset: str,
    *,
    weights: InitialWeights,
    gpu: Gpu | None,
) -> list[Job]:
    """List every run of a suite, done or not, the largest first.

    Args:
        recipes: Recipes scaled to the profile.
        options: Options of the command.
        profile: `"full"` or `"quick"`.
        dataset: Fingerprint of the films.
        weights: Resolver of initial weights.
        gpu: The first GPU, None on a CPU.

    Returns:
        Jobs. Differences from a recipe are in their notes; a job without available weights has a failure.
    """
    jobs = [
        job
        for recipe in recipes
        for job in _jobs(recipe, options, profile, dataset, weights=weights, gpu=gpu)
    ]
    # Sort by the memory needed on a CPU, which is a good order for GPUs too.
    return sorted(jobs, key=lambda job: -estimate_mb(job.spec.recipe, None))


def _jobs(
    recipe: Recipe,
    options: Options,
    profile: str,
    dataset: str,
    *,
    weights: InitialWeights,
    gpu: Gpu | None,
) -> Iterator[Job]:
    """Yield a job for each seed and fold of a recipe."""
    initial = weights.resolve(recipe)
    trained = bool(recipe.phases)
    spec = RunSpec(
        recipe=recipe,
        protocol=options.protocol,
        dataset=dataset,
        profile=profile_name(options, profile),
        seed=0,
        fold=None,
        precision=resolve_precision(options.precision, gpu) if trained else "float64",
        weights=initial.stored,
        train_films=train_films(options, profile),
        xla=trained and uses_xla(options, recipe, gpu),
    )
    notes = tuple(filter(None, (initial.note, views_note(recipe), xla_note(options, recipe, gpu))))
    # A trivial fit has nothing random, so one seed.
    for seed in range(options.seeds or SEEDS[profile]) if trained else range(1):
        for fold in PROTOCOLS[options.protocol].fold_numbers:
            one = replace(spec, seed=seed, fold=fold)
            yield Job(one, initial.file, notes, estimate_mb(recipe, gpu), failure=initial.failure)


def estimate_mb(recipe: Recipe, gpu: Gpu | None) -> float:
    """Estimate the host memory of a worker in MB: backbone, activations and a head on flattened features.

    On a GPU the activations are in device memory and do not count.
    """
    if not recipe.phases:
        return TRIVIAL_MB
    entry = architecture(recipe.architecture)
    memory = entry.memory_mb(size=recipe.size, batch=0 if gpu else recipe.batch)
    if recipe.head.pool == "flatten" and recipe.head.units:
        # Small CNNs halve the side three times and end in 128 channels.
        memory += (recipe.size // 8) ** 2 * 128 * recipe.head.units[0] * 4e-6 * OPTIMIZER_PARTS
    return memory * WHOLE_RUN
