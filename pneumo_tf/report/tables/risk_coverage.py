"""The table of risk and coverage: whether a row knows where it errs, and what averaging adds."""

from collections.abc import Callable, Sequence

import numpy as np

from pneumo_tf.data.augmented_views import KINDS, MILD_SAID
from pneumo_tf.evaluation.auc_comparison import compare_auc
from pneumo_tf.evaluation.ensemble import average_scores
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS, compute_metrics
from pneumo_tf.evaluation.risk_coverage import Uncertainty, measure_uncertainty
from pneumo_tf.report.board import Board
from pneumo_tf.report.ensembles import Averaged, averaged
from pneumo_tf.report.markdown import Table, join_names
from pneumo_tf.report.number_format import DASH, difference_with_interval, format_number, supported_decimals

LEAD = (
    "Area under the risk–coverage curve (AURC), lower is better: how often the calls kept are wrong as the "
    "least trusted are put aside. The scores of each film are averaged first: over seeds, over the models of "
    "the folds, or within each model over augmented views (`--tta`) or draws of dropout (`--mc-dropout`). "
    "Trust is the distance of the mean from the threshold, or the agreement of what was averaged; trust "
    "without any sense would show the error itself."
)
DIFFERENCE = (
    "AUC of the mean − of one model's plain scores: paired by film, clustered by patient (Obuchowski 1997), "
    "the interval of this pair alone; where there are several models their spread counts as chance."
)


def risk_coverage(board: Board) -> Table:
    """A line for each row and each way to several scores of a film."""
    ways = averaged(board)
    lines, before = [], ""
    for way in ways:
        trust = [measure_uncertainty(group) for group in way.groups]
        error = 1 - _mean_of(way.single, "accuracy")
        lines.append(
            (
                way.name if way.name != before else "",
                way.over,
                _against_one(way),
                f"{format_number(error, 3)} → {format_number(_mean(trust, lambda t: t.error), 3)}",
                format_number(_mean(trust, lambda t: t.by_distance), 3),
                format_number(_mean(trust, lambda t: t.by_spread), 3),
                format_number(_mean(trust, lambda t: t.best), 3),
            )
        )
        before = way.name
    header = ("Recipe", "Mean of", "AUC: mean − one [95 %]", "Error: one → mean", "AURC by distance")
    return Table((*header, "AURC by spread", "Best possible AURC"), lines, _notes(ways), left=2)


def _against_one(way: Averaged) -> str:
    """What the mean adds to the AUC of one model."""
    if all(len(group) == 1 for group in way.groups):
        return DASH
    pair = compare_auc([[average_scores(group) for group in way.groups], way.single])
    low, high = pair.interval(0, 1)
    decimals = supported_decimals([(high - low) / 2], METRICS["auc"].digits)
    return difference_with_interval(pair.difference[0, 1], (low, high), decimals)


def _mean(trust: Sequence[Uncertainty], of: Callable[[Uncertainty], float]) -> float:
    return float(np.mean([of(each) for each in trust]))


def _mean_of(sets: Sequence[LabelledPredictions], metric: str) -> float:
    return float(np.mean([compute_metrics(one.labels, one.score, names=[metric])[metric] for one in sets]))


def _notes(ways: Sequence[Averaged]) -> list[str]:
    """What is missing and why, and which views were not drawn by a recipe's own augmentation."""
    notes = [DIFFERENCE] if any(len(way.groups[0]) > 1 for way in ways) else []
    if any(len(way.groups[0]) == 1 for way in ways):
        notes.append(f"{DASH} one score of each film: nothing to average.")
    mild = [way.name for way in ways if way.kind == "tta" and not way.row.recipe.augment.active]
    if mild:
        notes.append(f"Views of {join_names(mild)}, trained without augmentation, are mild: {MILD_SAID}.")
    for kind, about in KINDS.items():
        have = any(way.kind == kind for way in ways)
        rows = {way.name: way.row.recipe for way in ways if not way.row.trivial}
        without = [name for name, recipe in rows.items() if not about.applies(recipe)]
        if have and without:
            notes.append(f"No {about.title} of {join_names(without)}: {about.otherwise}.")
    return notes
