"""Additions to finished runs from their models: scoring variants, external films, explanations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from benchmarks.suite.applicable import applies_to
from benchmarks.suite.options import Options
from benchmarks.suite.plan import Job
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.scoring_variants import MILD_IN_WORDS, VARIANT_KINDS, variant_name
from pneumo_tf.errors import UserError
from pneumo_tf.external_sets import external_explanations, external_set
from pneumo_tf.recipe import Recipe
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs

ExternalSets = Mapping[str, Dataset]
"""Each external set, by the fingerprint of its films."""

TRAIN_AGAIN = "--fresh trains the run again"
EXPLAIN_AGAIN = "--explain-again makes them"


def requested_variants(recipe: Recipe, options: Options) -> list[str]:
    """Return the names of the scoring variants that the options request for a recipe."""
    return [
        variant_name(kind, number)
        for kind, about in VARIANT_KINDS.items()
        if about.applies(recipe)
        for number in range(1, _count(kind, options) + 1)
    ]


def missing_variants(job: Job, runs: Runs, options: Options) -> tuple[str, ...]:
    """Return the requested variants for which a run has no predictions yet."""
    present = runs.folder(job.spec).prediction_sets()
    return tuple(
        name for name in requested_variants(job.spec.recipe, options) if f"test@{name}" not in present
    )


def missing_external_scores(job: Job, runs: Runs, external: ExternalSets) -> tuple[str, ...]:
    """Return the fingerprints of external sets that a run applies to and has no predictions of yet."""
    present = runs.folder(job.spec).prediction_sets()
    return tuple(
        key
        for key, dataset in external.items()
        if external_set(key) not in present and applies_to(job.spec.recipe, dataset)
    )


def missing_external_maps(job: Job, runs: Runs, external: ExternalSets) -> tuple[str, ...]:
    """Return the fingerprints of external sets with masks on which a network's maps are not measured yet."""
    folder = runs.folder(job.spec)
    return tuple(
        key
        for key, dataset in external.items()
        if job.spec.recipe.phases and dataset.has_masks and not _has_json(folder, external_explanations(key))
    )


def lacks_explanations(job: Job, runs: Runs) -> bool:
    """Return whether a finished run of a network has no explanations."""
    folder = runs.folder(job.spec)
    return (
        bool(job.spec.recipe.phases) and folder.state == "done" and not _has_json(folder, "explanations.json")
    )


def list_addition_jobs(
    jobs: Iterable[Job], runs: Runs, options: Options, external: ExternalSets
) -> list[Job]:
    """Return the jobs that add what is requested to finished runs that still have their models.

    Trivial rows have no stored model: they are fitted again, and compared with their stored predictions.
    """
    found = []
    for job in jobs:
        folder = runs.folder(job.spec)
        if folder.state != "done" or (job.spec.recipe.phases and not folder.model.exists()):
            continue
        variants, sets = missing_variants(job, runs, options), missing_external_scores(job, runs, external)
        if variants or sets:
            found.append(replace(job, task="score", variants=variants, external=sets))
        if mapped := missing_external_maps(job, runs, external):
            found.append(replace(job, task="localise", external=mapped))
        if options.explain_again == "all" or (options.explain_again and lacks_explanations(job, runs)):
            found.append(replace(job, task="explain"))
    return found


def count_additions(
    jobs: Sequence[Job], todo: Sequence[Job], runs: Runs, options: Options, external: ExternalSets
) -> int:
    """Count the runs that will be added to: finished ones, and those that are trained first."""
    finished = [job for job in jobs if job not in todo]
    extended = {job.spec.id for job in list_addition_jobs(finished, runs, options, external)}
    trained_first = [
        recipe
        for recipe in (job.spec.recipe for job in todo)
        if requested_variants(recipe, options)
        or any(applies_to(recipe, dataset) for dataset in external.values())
    ]
    return len(extended) + len(trained_first)


def list_missing_additions(
    jobs: Iterable[Job], runs: Runs, options: Options, external: ExternalSets
) -> list[str]:
    """Return a line for each finished run that still lacks what the options request."""
    lines = []
    for job in jobs:
        folder = runs.folder(job.spec)
        if folder.state != "done":
            continue
        scorable = folder.model.exists() or not job.spec.recipe.phases
        reason = f"see {folder.log}" if scorable else f"{folder.model} is missing; {TRAIN_AGAIN}"
        if variants := missing_variants(job, runs, options):
            lines.append(f"not scored with {_first_and_last(variants)}: {job.spec.id}: {reason}")
        for key in missing_external_scores(job, runs, external):
            lines.append(f"not scored on {external[key].root}: {job.spec.id}: {reason}")
        for key in missing_external_maps(job, runs, external):
            lines.append(f"maps not measured on {external[key].root}: {job.spec.id}: {reason}")
        if options.explain_again and lacks_explanations(job, runs):
            lines.append(f"not explained: {job.spec.id}: {reason}")
    return lines


def hint_missing_explanations(jobs: Iterable[Job], runs: Runs, options: Options) -> str:
    """Return a hint for finished runs that have a model but no explanations, "" if there are none."""
    lacking = [job for job in jobs if lacks_explanations(job, runs) and runs.folder(job.spec).model.exists()]
    if options.explain_again or not lacking:
        return ""
    if len(lacking) == 1:
        return f"{lacking[0].spec.id} has no explanations; {EXPLAIN_AGAIN}"
    return f"{len(lacking)} runs have no explanations; {EXPLAIN_AGAIN}"


def describe_variant_options(recipes: Collection[Recipe], options: Options) -> list[str]:
    """Return lines that name recipes that a variant leaves out, and recipes with mild default views."""
    lines = []
    for kind, about in VARIANT_KINDS.items():
        if not _count(kind, options):
            continue
        without = [recipe.name for recipe in recipes if not about.applies(recipe)]
        if without:
            lines.append(f"--{about.option} leaves out {', '.join(without)}: {about.reason}")
    mild = [
        recipe.name
        for recipe in recipes
        if VARIANT_KINDS["tta"].applies(recipe) and not recipe.augment.active
    ]
    if options.tta and mild:
        lines.append(
            f"--tta: {', '.join(mild)} trained without augmentation; the views are mild: {MILD_IN_WORDS}"
        )
    return lines


def _has_json(folder: RunFolder, name: str) -> bool:
    try:
        return bool(folder.read_json(name))
    # A damaged file counts as missing.
    except UserError:
        return False


def _first_and_last(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _count(kind: str, options: Options) -> int:
    return getattr(options, VARIANT_KINDS[kind].option.replace("-", "_")) or 0
