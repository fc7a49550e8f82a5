"""Studies: how often an interval misses the truth, and how often a test finds equal models different."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from benchmarks.error_rates.simulation import CHANCE, OWN, SHARED, Study
from pneumo_tf.evaluation.auc_comparison import compare_auc
from pneumo_tf.evaluation.brier_comparison import compare_brier
from pneumo_tf.evaluation.comparison import SIGNIFICANCE
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.proportion_comparison import COUNTED_LABEL, compare_proportion
from pneumo_tf.evaluation.ranking import rank_intervals

PATIENTS = (110, 100)
"""Normal patients and patients with pneumonia: half of the official test set."""

TRAININGS = 2000
"""Number of quantiles of the skill over which the true metric of a recipe is averaged."""


@dataclass(frozen=True)
class ErrorStudy:
    """An event and its count over simulated test sets.

    Args:
        title: What is counted, with its setting.
        repeat: Function that yields for each simulated test set whether the event occurs, by metric.
        studies: Number of test sets.
        lowest: Lowest share that is consistent with the nominal rate of the method.
        highest: Highest such share.
    """

    title: str
    repeat: Callable[[], Iterator[Mapping[str, bool]]]
    studies: int
    lowest: float
    highest: float


def check_interval_coverage(skill: float, seeds: int) -> Iterator[Mapping[str, bool]]:
    """Yield whether the 95 % intervals of AUC and sensitivity contain the true values.

    Patient and film parts of a score are normal, so the true values are known; they are the means over all
    trainings of the recipe.

    Args:
        skill: Difference of the mean scores of the classes.
        seeds: Number of runs of the recipe; the skill has a standard deviation of 0.1 between several.
    """
    rng, training = np.random.default_rng([21, seeds]), 0.1 if seeds > 1 else 0.0
    variance = 2 * (SHARED**2 + OWN**2) + CHANCE**2
    skills = skill + norm.ppf((np.arange(TRAININGS) + 0.5) / TRAININGS) * training
    truth = {
        "auc": norm.cdf(skills / np.sqrt(2 * variance)).mean(),
        "sensitivity": norm.cdf(skills / 2 / np.sqrt(variance)).mean(),
    }
    number = 0
    while True:
        rows = Study(rng, PATIENTS).model(skill).runs(seeds, training)
        estimates = PatientBootstrap(1000, number).estimate(rows, truth)
        number += 1
        yield {name: estimates[name].low <= value <= estimates[name].high for name, value in truth.items()}


def check_rejection_of_equal_models(seeds: int, training: float) -> Iterator[Mapping[str, bool]]:
    """Yield whether each paired test finds two equally good models different at p < 0.05.

    Args:
        seeds: Runs of each model.
        training: Standard deviation of the skill between runs.
    """
    rng = np.random.default_rng([22, seeds])
    while True:
        study = Study(rng, PATIENTS)
        rows = [study.model(2.5).runs(seeds, training) for _ in range(2)]
        p = {"auc": compare_auc(rows).p} | {name: compare_proportion(rows, name).p for name in COUNTED_LABEL}
        yield {name: bool(values[0, 1] < SIGNIFICANCE) for name, values in p.items()}


def check_rejection_in_brier(seeds: int, training: float) -> Iterator[Mapping[str, bool]]:
    """Yield whether two equally good models differ in Brier score at p < 0.05.

    Args:
        seeds: Runs of each model.
        training: Standard deviation of the skill between runs.
    """
    rng = np.random.default_rng([25, seeds])
    while True:
        study = Study(rng, PATIENTS)
        rows = [study.model(2.5).runs(seeds, training) for _ in range(2)]
        yield {"brier": bool(compare_brier(rows).p[0, 1] < SIGNIFICANCE)}


def check_rejection_among_six_equal_models() -> Iterator[Mapping[str, bool]]:
    """Yield whether any of the 15 pairs of six equally good models is significant after Holm."""
    rng = np.random.default_rng(23)
    while True:
        study = Study(rng, PATIENTS)
        rows = [study.model(2.5).runs() for _ in range(6)]
        yield {"auc": bool(compare_auc(rows).significant.any())}


def check_rank_intervals(step: float, seeds: int, training: float) -> Iterator[Mapping[str, bool]]:
    """Yield whether the rank intervals of ten rows contain all of their true ranks, at once.

    Rows of equal AUC have every rank from the lowest to the highest of their tie.

    Args:
        step: Difference in true AUC between neighbours; the best has 0.95.
        seeds: Runs of each row.
        training: Standard deviation of the skill between runs.
    """
    rng = np.random.default_rng([24, round(step * 1e4), seeds])
    aucs = 0.95 - step * np.arange(10)
    skills = norm.ppf(aucs) * np.sqrt(2 * (2 * (SHARED**2 + OWN**2) + CHANCE**2))
    lowest, highest = rankdata(-aucs, "min"), rankdata(-aucs, "max")
    while True:
        study = Study(rng, PATIENTS)
        rows = [study.model(skill).runs(seeds, training) for skill in skills]
        low, high = np.transpose(rank_intervals(compare_auc(rows)))
        yield {"auc": bool(np.all((low <= lowest) & (highest <= high)))}


def _coverage(skill: float, seeds: int) -> ErrorStudy:
    return ErrorStudy(
        f"95 % interval contains the truth; skill {skill:g}, {seeds} seed(s)",
        lambda: check_interval_coverage(skill, seeds),
        studies=600,
        lowest=0.92,
        highest=0.97 if seeds == 1 else 0.99,
    )


def _rejection(seeds: int, training: float) -> ErrorStudy:
    return ErrorStudy(
        f"two equal models differ at p < 0.05; {seeds} seed(s), training sd {training:g}",
        lambda: check_rejection_of_equal_models(seeds, training),
        studies=1500,
        lowest=0.03 if seeds == 1 else 0.0,
        highest=0.07,
    )


def _brier(seeds: int, training: float) -> ErrorStudy:
    return ErrorStudy(
        f"two equal models differ at p < 0.05; {seeds} seed(s), training sd {training:g}",
        lambda: check_rejection_in_brier(seeds, training),
        studies=1500,
        lowest=0.03 if seeds == 1 else 0.0,
        highest=0.07,
    )


def _ranks(step: float, seeds: int, training: float) -> ErrorStudy:
    rows = f"ten rows, steps of {step:g} in AUC" if step else "ten equal rows"
    return ErrorStudy(
        f"all rank intervals contain the true ranks; {rows}, {seeds} seed(s), training sd {training:g}",
        lambda: check_rank_intervals(step, seeds, training),
        studies=600,
        lowest=0.93,
        highest=1.0,
    )


STUDIES: dict[str, ErrorStudy] = {
    **{f"coverage-{skill}-{seeds}": _coverage(skill, seeds) for skill, seeds in ((2, 1), (4, 1), (2, 3))},
    **{
        f"rejection-{seeds}-{training:g}": _rejection(seeds, training)
        for seeds, training in ((1, 0.0), (2, 0.0), (3, 0.0), (3, 0.3), (5, 0.3))
    },
    **{f"brier-{seeds}": _brier(seeds, training) for seeds, training in ((1, 0.0), (3, 0.3))},
    "family-wise": ErrorStudy(
        "any pair of six equal models differs, after Holm's correction",
        check_rejection_among_six_equal_models,
        studies=1500,
        lowest=0.0,
        highest=0.06,
    ),
    **{
        f"ranks-{step:g}-{seeds}": _ranks(step, seeds, training)
        for step, seeds, training in ((0, 1, 0.0), (0.0005, 1, 0.0), (0.01, 1, 0.0), (0, 3, 0.3))
    },
}
"""Error studies by key, in the order of the table."""
