"""Coverage of 95 % intervals: how often they miss the truth, and on which side."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import norm

from benchmarks.error_rates.simulation import SCORE_VARIANCE, Study, replace_score
from pneumo_tf.evaluation.intervals import PatientBootstrap

BOARD, SMALL, HALF = (203, 225), (104, 96), (110, 100)
"""Normal patients and patients with pneumonia: as in the official test set, 200 in all, and half a set."""

REPLICATES = 400
"""Fewer than on a board: the intervals need only their variance."""

TRAININGS = 2000
"""Number of quantiles of the skill over which the true metric of a recipe is averaged."""

BELOW, ABOVE = "{}, truth below", "{}, truth above"
"""Events of an interval that misses, by metric."""


def skill_of(auc: float) -> float:
    """Return the difference of the mean scores of the classes that gives an AUC."""
    return float(norm.ppf(auc) * np.sqrt(2 * SCORE_VARIANCE))


def true_values(
    skill: float, shift: float, training: float, prevalence: float, names: Sequence[str]
) -> dict[str, float]:
    """Return the true values of metrics: means over all trainings of a recipe.

    Patient and film parts of a score are normal, so the values are known.

    Args:
        skill: Difference of the mean scores of the classes.
        shift: Added to every score.
        training: Standard deviation of the skill between runs; average precision needs 0.
        prevalence: Share of films with pneumonia.
        names: Keys of `METRICS`.
    """
    skills = skill + norm.ppf((np.arange(TRAININGS) + 0.5) / TRAININGS) * training
    sd = np.sqrt(SCORE_VARIANCE)
    compute = {
        "auc": lambda: norm.cdf(skills / sd / np.sqrt(2)).mean(),
        "average_precision": lambda: _true_average_precision(skill, prevalence),
        "sensitivity": lambda: norm.cdf((skills / 2 + shift) / sd).mean(),
        "specificity": lambda: norm.cdf((skills / 2 - shift) / sd).mean(),
    }
    return {name: float(compute[name]()) for name in names}


def _true_average_precision(skill: float, prevalence: float) -> float:
    """Return the area under the curve of precision and recall, at the films' share of pneumonia."""
    sd = np.sqrt(SCORE_VARIANCE)
    score = np.linspace(10, -10, 4001) * sd
    recall, false = norm.sf(score, skill / 2, sd), norm.sf(score, -skill / 2, sd)
    found = prevalence * recall
    return float(np.trapezoid(found / (found + (1 - prevalence) * false), recall))


def check_coverage(
    skill: float,
    names: Sequence[str],
    patients: tuple[int, int],
    seeds: int = 1,
    training: float = 0.0,
    shift: float = 0.0,
) -> Iterator[Mapping[str, bool]]:
    """Yield by metric whether its interval contains the truth, and whether it lies above or below the truth.

    Args:
        skill: Difference of the mean scores of the classes.
        names: Keys of `METRICS`.
        patients: Normal patients, and patients with pneumonia.
        seeds: Number of runs of the recipe.
        training: Standard deviation of the skill between runs.
        shift: Added to every score.
    """
    rng, number = np.random.default_rng([21, seeds]), 0
    while True:
        runs = Study(rng, patients).model(skill).runs(seeds, training)
        runs = [replace_score(run, run.score + shift) for run in runs]
        truth = true_values(skill, shift, training, runs[0].labels.mean(), names)
        found = PatientBootstrap(REPLICATES, number).estimate(runs, names)
        number += 1
        below = {BELOW.format(name): truth[name] < found[name].low for name in names}
        above = {ABOVE.format(name): truth[name] > found[name].high for name in names}
        inside = {name: found[name].low <= truth[name] <= found[name].high for name in names}
        yield {event: bool(happened) for event, happened in (inside | below | above).items()}
