"""Studies: how often an interval misses the truth, and how often a test finds equal models different."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from benchmarks.error_rates.coverage import BOARD, HALF, SMALL, check_coverage, skill_of
from benchmarks.error_rates.simulation import SCORE_VARIANCE, Study
from pneumo_tf.evaluation.auc_comparison import compare_auc
from pneumo_tf.evaluation.brier_comparison import compare_brier
from pneumo_tf.evaluation.comparison import SIGNIFICANCE
from pneumo_tf.evaluation.proportion_comparison import COUNTED_LABEL, compare_proportion
from pneumo_tf.evaluation.ranking import rank_intervals


@dataclass(frozen=True)
class ErrorStudy:
    """An event and its count over simulated test sets.

    Args:
        title: What is counted, with its setting.
        repeat: Function that yields for each simulated test set whether the event occurs, by metric.
        studies: Number of test sets.
        lowest: Lowest share that the tests accept.
        highest: Highest such share.
    """

    title: str
    repeat: Callable[[], Iterator[Mapping[str, bool]]]
    studies: int
    lowest: float
    highest: float


def check_rejection_of_equal_models(seeds: int, training: float) -> Iterator[Mapping[str, bool]]:
    """Yield whether each paired test finds two equally good models different at p < 0.05.

    Args:
        seeds: Runs of each model.
        training: Standard deviation of the skill between runs.
    """
    rng = np.random.default_rng([22, seeds])
    while True:
        study = Study(rng, HALF)
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
        study = Study(rng, HALF)
        rows = [study.model(2.5).runs(seeds, training) for _ in range(2)]
        yield {"brier": bool(compare_brier(rows).p[0, 1] < SIGNIFICANCE)}


def check_rejection_among_six_equal_models() -> Iterator[Mapping[str, bool]]:
    """Yield whether any of the 15 pairs of six equally good models is significant after Holm."""
    rng = np.random.default_rng(23)
    while True:
        study = Study(rng, HALF)
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
    skills = norm.ppf(aucs) * np.sqrt(2 * SCORE_VARIANCE)
    lowest, highest = rankdata(-aucs, "min"), rankdata(-aucs, "max")
    while True:
        study = Study(rng, HALF)
        rows = [study.model(skill).runs(seeds, training) for skill in skills]
        low, high = np.transpose(rank_intervals(compare_auc(rows)))
        yield {"auc": bool(np.all((low <= lowest) & (highest <= high)))}


def _rank_coverage(auc: float, patients: tuple[int, int]) -> ErrorStudy:
    return ErrorStudy(
        f"95 % interval contains the truth; true AUC {auc:g}, {sum(patients)} patients",
        lambda: check_coverage(skill_of(auc), ("auc", "average_precision"), patients),
        studies=600,
        # Two standard errors of 600 sets below 0.935.
        lowest=0.915,
        highest=0.97,
    )


def _edge_coverage(sensitivity: float, patients: tuple[int, int]) -> ErrorStudy:
    shift = float(norm.ppf(sensitivity) * np.sqrt(SCORE_VARIANCE)) - 1
    return ErrorStudy(
        f"95 % interval contains the truth; true sensitivity {sensitivity:g}, {sum(patients)} patients",
        lambda: check_coverage(2.0, ("sensitivity",), patients, shift=shift),
        studies=600,
        lowest=0.93,
        # Near 1 a few shares of correct films are possible, so no rule covers exactly 95 %.
        highest=0.985,
    )


def _seed_coverage(seeds: int, training: float) -> ErrorStudy:
    return ErrorStudy(
        f"95 % interval contains the truth; {seeds} seeds, training sd {training:g}, {sum(HALF)} patients",
        lambda: check_coverage(2.0, ("auc", "specificity"), HALF, seeds, training),
        studies=400,
        lowest=0.92,
        highest=0.99,
    )


def _rejection(
    check: Callable[[int, float], Iterator[Mapping[str, bool]]], seeds: int, training: float
) -> ErrorStudy:
    return ErrorStudy(
        f"two equal models differ at p < 0.05; {seeds} seed(s), training sd {training:g}",
        lambda: check(seeds, training),
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
    **{
        f"coverage-{auc}-{sum(patients)}": _rank_coverage(auc, patients)
        for patients in (BOARD, SMALL)
        for auc in (0.85, 0.95, 0.99, 0.995)
    },
    **{
        f"sensitivity-{share}-{sum(patients)}": _edge_coverage(share, patients)
        for patients in (BOARD, SMALL)
        for share in (0.9986, 0.99, 0.95)
    },
    **{
        f"seeds-{seeds}-{training}": _seed_coverage(seeds, training)
        for seeds, training in ((2, 0.65), (3, 0.0), (3, 0.65), (3, 1.0), (5, 0.65))
    },
    **{
        f"rejection-{seeds}-{training:g}": _rejection(check_rejection_of_equal_models, seeds, training)
        for seeds, training in ((1, 0.0), (2, 0.0), (3, 0.0), (3, 0.3), (5, 0.3))
    },
    **{
        f"brier-{seeds}": _rejection(check_rejection_in_brier, seeds, training)
        for seeds, training in ((1, 0.0), (3, 0.3))
    },
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
