"""Plans without a terminal and assignments without an engine, for tests."""

from benchmarks.suite.initial_weights import InitialWeights
from benchmarks.suite.plan import make_plan
from benchmarks.suite.profile import choose_recipes, resolve_profile, views_lines
from benchmarks.worker.assignment import Assignment


def plan_jobs(options, dataset="films", *, synthetic=True, gpu=None):
    """Jobs of the options, and the lines that a command would log about them."""
    profile = resolve_profile(options, gpu, synthetic=synthetic)
    recipes = choose_recipes(options, profile)
    weights = InitialWeights(
        options.weights,
        required=profile == "full" and not synthetic,
        synthetic=synthetic,
        dry_run=options.dry_run,
        progress=None,
    )
    jobs = make_plan(recipes, options, profile, dataset, weights=weights, gpu=gpu)
    return jobs, [*weights.lines, *views_lines(recipes)]


def assign_to_cpu(films, options, **more):
    """The assignment of a worker on one CPU thread."""
    return Assignment(
        data=str(films.root),
        cache=str(options.cache),
        weights="",
        device="CPU, 1 thread",
        threads=1,
        gpu=False,
        **more,
    )
