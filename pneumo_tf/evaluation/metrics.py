"""Registry of metrics; the same code computes values and bootstrap replicates, under different film weights.

Pneumonia is the positive class; the operating point is score > 0, an uncalibrated probability of 0.5. An
undefined metric, such as the precision without a predicted positive, is nan and not 0.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pneumo_tf.errors import unknown
from pneumo_tf.evaluation.ratio import ratio
from pneumo_tf.evaluation.weighted_counts import ScoredFilms, WeightedCounts, cumulative_weights


def auc(films: WeightedCounts) -> np.ndarray:
    """(r,) probability that a positive scores above a negative; a tie counts half (Hanley & McNeil 1982)."""
    return ratio(films.by_parts(_pairs_won), films.total("normal") * films.total("pneumonia"))


def average_precision(films: WeightedCounts) -> np.ndarray:
    """(r,) precision at each distinct score, averaged over the recall that it adds; not interpolated."""
    return ratio(films.by_parts(_summed_precision), films.total("pneumonia"))


def _pairs_won(films: ScoredFilms, weights: np.ndarray) -> np.ndarray:
    """Return the (r,) weight of pairs of a positive above a negative; a tie counts half."""
    found = cumulative_weights(weights, films.positives)
    both = found[:, films.positives_above] + found[:, films.positives_up_to]
    twice = np.einsum("rn,rn->r", weights[:, films.negatives], both)
    return twice / 2


def _summed_precision(films: ScoredFilms, weights: np.ndarray) -> np.ndarray:
    """Return the (r,) weighted sum over positives of the precision at their scores."""
    found = cumulative_weights(weights, films.positives)[:, films.found]
    false = cumulative_weights(weights, films.negatives)[:, films.false_alarms]
    predicted = found + false
    return np.einsum("rn,rn->r", weights[:, films.positives], ratio(found, predicted, empty=0.0))


def matthews(films: WeightedCounts) -> np.ndarray:
    """(r,) correlation of predicted and true labels, in −1–1 (Matthews 1975)."""
    tp, fp, fn, tn = films.tp, films.fp, films.fn, films.tn
    return ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def log_loss(films: WeightedCounts) -> np.ndarray:
    """(r,) mean of −ln of the probability of the true class, in nats, from the score without clipping."""
    return ratio(films.log_losses, films.total("films"))


def brier(films: WeightedCounts) -> np.ndarray:
    """(r,) mean squared difference of the probability of pneumonia and the label (Brier 1950)."""
    return ratio(films.squared_errors, films.total("films"))


def sensitivity_of(subtype: str) -> Callable[[WeightedCounts], np.ndarray]:
    """Return a metric, the (r,) sensitivity to one subtype; nan if subtypes are unknown."""

    def share(films: WeightedCounts) -> np.ndarray:
        if not films.subtypes_known:
            return np.full(len(films.weights), np.nan)
        return ratio(films.predicted_positive(subtype), films.total(subtype))

    return share


def _f1(films: WeightedCounts) -> np.ndarray:
    return ratio(2 * films.tp, 2 * films.tp + films.fp + films.fn)


def _f1_normal(films: WeightedCounts) -> np.ndarray:
    return ratio(2 * films.tn, 2 * films.tn + films.fp + films.fn)


def _sensitivity(films: WeightedCounts) -> np.ndarray:
    return ratio(films.tp, films.tp + films.fn)


def _specificity(films: WeightedCounts) -> np.ndarray:
    return ratio(films.tn, films.tn + films.fp)


@dataclass(frozen=True)
class Metric:
    """An entry of the registry.

    Args:
        compute: Function from films under r sets of weights to (r,) values, nan if undefined.
        title: Name in tables and on axes.
        better: Whether higher or lower values are better.
        digits: Decimals of a value without an interval.
        undefined: Reason for nan, for readers.
        from_counts: Whether it can be computed from a confusion matrix alone.
        bounds: Lowest and highest possible value.
        counted: Kinds of films that it needs, as in `ScoredFilms.of`; its interval needs patients of each.
    """

    compute: Callable[[WeightedCounts], np.ndarray]
    title: str
    better: Literal["higher", "lower"] = "higher"
    digits: int = 3
    undefined: str = "there are no films"
    from_counts: bool = False
    bounds: tuple[float, float] = (0.0, 1.0)
    counted: tuple[str, ...] = ("normal", "pneumonia")


_ONE_CLASS = "the films are of one class"
_NO_NORMAL = "there is no normal film"
_NO_PNEUMONIA = "there is no pneumonia"

METRICS: dict[str, Metric] = {
    "auc": Metric(auc, "AUC", undefined=_ONE_CLASS),
    "average_precision": Metric(average_precision, "Average precision", undefined=_NO_PNEUMONIA),
    "accuracy": Metric(lambda f: ratio(f.tp + f.tn, f.tp + f.fp + f.fn + f.tn), "Accuracy", from_counts=True),
    "balanced_accuracy": Metric(
        lambda f: (_sensitivity(f) + _specificity(f)) / 2,
        "Balanced accuracy",
        undefined=_ONE_CLASS,
        from_counts=True,
    ),
    "sensitivity": Metric(
        _sensitivity, "Sensitivity", undefined=_NO_PNEUMONIA, from_counts=True, counted=("pneumonia",)
    ),
    "specificity": Metric(
        _specificity, "Specificity", undefined=_NO_NORMAL, from_counts=True, counted=("normal",)
    ),
    "ppv": Metric(
        lambda f: ratio(f.tp, f.tp + f.fp),
        "PPV",
        undefined="no film was predicted pneumonia",
        from_counts=True,
    ),
    "npv": Metric(
        lambda f: ratio(f.tn, f.tn + f.fn),
        "NPV",
        undefined="no film was predicted normal",
        from_counts=True,
    ),
    "f1": Metric(_f1, "F1", undefined="no film is or was predicted pneumonia", from_counts=True),
    "f1_normal": Metric(
        _f1_normal, "F1 of normal", undefined="no film is or was predicted normal", from_counts=True
    ),
    "macro_f1": Metric(
        lambda f: (_f1(f) + _f1_normal(f)) / 2,
        "Macro F1",
        undefined="a class neither occurs nor is predicted",
        from_counts=True,
    ),
    "mcc": Metric(
        matthews,
        "Matthews",
        undefined="the films, or the predictions, are of one class",
        from_counts=True,
        bounds=(-1, 1),
    ),
    "log_loss": Metric(log_loss, "Log loss", "lower", bounds=(0, np.inf)),
    "brier": Metric(brier, "Brier", "lower"),
    "sensitivity_bacteria": Metric(
        sensitivity_of("bacteria"),
        "Sensitivity, bacterial",
        undefined="no film is known to be bacterial",
        counted=("bacteria",),
    ),
    "sensitivity_virus": Metric(
        sensitivity_of("virus"),
        "Sensitivity, viral",
        undefined="no film is known to be viral",
        counted=("virus",),
    ),
}
"""Metrics by name; a new metric is one entry."""


def compute_metrics(
    labels: np.ndarray,
    score: np.ndarray,
    weights: np.ndarray | None = None,
    subtypes: np.ndarray | None = None,
    names: Iterable[str] = tuple(METRICS),
) -> dict[str, np.ndarray]:
    """Compute metrics by name.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal, finite.
        weights: (r, n) how often each film counts in each replicate; None counts each film once, with r = 1.
        subtypes: (n,) str, for the sensitivity to each subtype of pneumonia.
        names: Keys of `METRICS`.

    Returns:
        (r,) float64 for each name.

    Raises:
        UserError: If a name is not registered.

    Example:
        >>> from pneumo_tf.evaluation.metrics import compute_metrics
        >>> compute_metrics(np.array([0, 1]), np.array([-2.0, 1.0]), names=["auc"])
        {'auc': array([1.])}
    """
    labels, score = np.asarray(labels), np.asarray(score, np.float64)
    weights = np.ones((1, len(labels))) if weights is None else np.asarray(weights, np.float64)
    return measure_films(ScoredFilms(labels, score, subtypes), weights, names, {})


def measure_films(
    films: ScoredFilms, weights: np.ndarray, names: Iterable[str], totals: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Compute metrics as `compute_metrics`, for films that are measured under several blocks of weights.

    Args:
        films: Scores of n films.
        weights: (r, n) float64 weights.
        names: Keys of `METRICS`.
        totals: Cache, as in `WeightedCounts`; one dictionary for all models under the same weights.
    """
    weighted = WeightedCounts(films, weights, totals)
    for name in names:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return {name: METRICS[name].compute(weighted) for name in names}


OUTCOMES = ("TN", "FP", "FN", "TP")
"""Outcomes of a prediction, in the order of `count_outcomes`."""


def outcome_of(label: int, positive: bool) -> str:
    """Return the outcome of a film: `"TN"`, `"FP"`, `"FN"` or `"TP"`.

    Args:
        label: True label, 0 normal or 1 pneumonia.
        positive: True if the film is predicted positive.
    """
    return OUTCOMES[2 * int(label) + int(positive)]


def count_outcomes(labels: np.ndarray, score: np.ndarray) -> tuple[int, int, int, int]:
    """Count TN, FP, FN, TP at score > 0.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
    """
    true, predicted = np.asarray(labels) == 1, np.asarray(score) > 0
    return tuple(np.bincount(2 * true + predicted, minlength=4).tolist())


def metrics_from_counts(counts: tuple[int, int, int, int]) -> dict[str, float]:
    """Compute every metric that a confusion matrix suffices for.

    Args:
        counts: TN, FP, FN, TP.

    Returns:
        Value by name of the metric, nan where undefined.
    """
    names = [name for name, metric in METRICS.items() if metric.from_counts]
    one_of_each = np.array([0, 0, 1, 1]), np.array([-1.0, 1.0, -1.0, 1.0])
    values = compute_metrics(*one_of_each, weights=np.array([counts]), names=names)
    return {name: float(value[0]) for name, value in values.items()}
