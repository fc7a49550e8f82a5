"""Conditions asked for on the command line: which finished runs still lack them, and what must be said."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from benchmarks.suite.options import Options
from benchmarks.suite.plan import Job
from pneumo_tf.data.scoring_variants import MILD_IN_WORDS, VARIANT_KINDS, variant_name
from pneumo_tf.recipe import Recipe
from pneumo_tf.runs import Runs

AGAIN = "--fresh trains the run again"


def asked(recipe: Recipe, options: Options) -> list[str]:
    """Gives the conditions that a recipe is to be scored under."""
    return [
        variant_name(kind, number)
        for kind, about in VARIANT_KINDS.items()
        if about.applies(recipe)
        for number in range(1, _count(kind, options) + 1)
    ]


def lacking(job: Job, runs: Runs, options: Options) -> tuple[str, ...]:
    """Gives the conditions asked for of which a run has no predictions yet."""
    have = runs.folder(job.spec).prediction_sets()
    return tuple(
        condition for condition in asked(job.spec.recipe, options) if f"test@{condition}" not in have
    )


def why_not(job: Job, runs: Runs, options: Options) -> str:
    """Says why a finished run still lacks conditions that were asked for; "" where it lacks none."""
    folder, missing = runs.folder(job.spec), lacking(job, runs, options)
    if runs.state(job.spec) != "done" or not missing:
        return ""
    reason = f"see {folder.log}" if folder.model.exists() else f"{folder.model} is missing; {AGAIN}"
    return f"not scored under {_listed(missing)}: {job.spec.id}: {reason}"


def scoring_jobs(jobs: Iterable[Job], runs: Runs, options: Options) -> list[Job]:
    """Gives a job for each finished run that lacks conditions and still has its model."""
    return [
        replace(job, conditions=missing)
        for job in jobs
        if runs.state(job.spec) == "done" and runs.folder(job.spec).model.exists()
        for missing in [lacking(job, runs, options)]
        if missing
    ]


def to_score(jobs: Sequence[Job], todo: Sequence[Job], runs: Runs, options: Options) -> int:
    """Counts the runs to be scored: finished ones that lack conditions, and those that are trained first."""
    finished = [job for job in jobs if job not in todo]
    first = [job for job in todo if asked(job.spec.recipe, options)]
    return len(scoring_jobs(finished, runs, options)) + len(first)


def notes(recipes: Collection[Recipe], options: Options) -> list[str]:
    """Lines for the terminal: recipes that have nothing to draw, and views that are not their own."""
    lines = []
    for kind, about in VARIANT_KINDS.items():
        if not _count(kind, options):
            continue
        without = [recipe.name for recipe in recipes if not about.applies(recipe)]
        if without:
            lines.append(f"--{about.option} leaves out {', '.join(without)}: {about.otherwise}")
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


def _listed(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"{conditions[0]} … {conditions[-1]}"


def _count(kind: str, options: Options) -> int:
    return getattr(options, VARIANT_KINDS[kind].option.replace("-", "_")) or 0
