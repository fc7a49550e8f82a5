"""The table of selective prediction: how well confidence separates errors, and the effect of averaging."""

from collections.abc import Callable, Sequence

import numpy as np

from pneumo_tf.data.scoring_variants import MILD_IN_WORDS, VARIANT_KINDS
from pneumo_tf.evaluation.auc_comparison import compare_auc
from pneumo_tf.evaluation.ensemble import average_scores
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS, compute_metrics
from pneumo_tf.evaluation.risk_coverage import Uncertainty, measure_uncertainty
from pneumo_tf.report.board import Board
from pneumo_tf.report.ensembles import Ensemble, ensembles
from pneumo_tf.report.markdown import Markdown, Table, join_names
from pneumo_tf.report.number_format import DASH, difference_with_interval, format_number, supported_decimals

LEAD = Markdown(
    "Area under the risk–coverage curve (AURC), lower is better: the error rate of the predictions that "
    "remain when the least confident are left out, averaged over all shares left out. The scores of each "
    "film are averaged first: over seeds, over the models of the folds, or within each model over "
    "augmented views (`--tta`) or dropout samples (`--mc-dropout`). Confidence is the distance of the mean "
    "from the threshold, or a small spread of what was averaged; random confidence has an AURC equal to "
    "the error rate."
)
DIFFERENCE = (
    "AUC of the mean score minus that of one model: {paired} (Obuchowski 1997), "
    "without correction for other pairs; the interval includes the variance between models."
)


def selective_prediction_table(board: Board) -> Table:
    """Return a table with a line for each ensemble, grouped by row."""
    found = ensembles(board)
    lines, before = [], ""
    for one in found:
        groups = [measure_uncertainty(group) for group in one.groups]
        error, mean_error = 1 - _accuracy(one.single), _mean(groups, lambda group: group.error)
        lines.append(
            (
                one.name if one.name != before else "",
                one.members,
                _against_one(one),
                f"{format_number(error, 3)} → {format_number(mean_error, 3)}",
                format_number(_mean(groups, lambda group: group.by_distance), 3),
                format_number(_mean(groups, lambda group: group.by_spread), 3),
                format_number(_mean(groups, lambda group: group.best), 3),
            )
        )
        before = one.name
    header = ("Recipe", "Mean of", "AUC: mean − one [95 %]", "Error: one → mean", "AURC by distance")
    return Table((*header, "AURC by spread", "Best possible AURC"), lines, _notes(board, found), left=2)


def _against_one(one: Ensemble) -> str:
    """Return the difference in AUC between the mean score and one model."""
    if all(len(group) == 1 for group in one.groups):
        return DASH
    pair = compare_auc([[average_scores(group) for group in one.groups], one.single])
    low, high = pair.interval(0, 1)
    decimals = supported_decimals([(high - low) / 2], METRICS["auc"].digits)
    return difference_with_interval(pair.difference[0, 1], (low, high), decimals)


def _mean(groups: Sequence[Uncertainty], read: Callable[[Uncertainty], float]) -> float:
    return float(np.mean([read(group) for group in groups]))


def _accuracy(models: Sequence[LabelledPredictions]) -> float:
    values = [compute_metrics(model.labels, model.score, names=["accuracy"])["accuracy"] for model in models]
    return float(np.mean(values))


def _notes(board: Board, found: Sequence[Ensemble]) -> list[str]:
    """Return notes on missing lines, and on views that do not use the recipe's own augmentation."""
    notes = [board.wording.write(DIFFERENCE)] if any(len(one.groups[0]) > 1 for one in found) else []
    if any(len(one.groups[0]) == 1 for one in found):
        notes.append(f"{DASH} one score of each film: nothing to average.")
    mild = [one.name for one in found if one.kind == "tta" and not one.row.recipe.augment.active]
    if mild:
        notes.append(f"Views of {join_names(mild)}, trained without augmentation, are mild: {MILD_IN_WORDS}.")
    for kind, about in VARIANT_KINDS.items():
        have = any(one.kind == kind for one in found)
        rows = {one.name: one.row.recipe for one in found if not one.row.trivial}
        without = [name for name, recipe in rows.items() if not about.applies(recipe)]
        if have and without:
            notes.append(f"No {about.title} of {join_names(without)}: {about.reason}.")
    return notes
