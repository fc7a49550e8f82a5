"""Operating points: thresholds chosen on validation films, and the rates that they achieve on test films."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import count_outcomes

PREVALENCES = (0.02, 0.10, 0.30)
"""Prevalences of pneumonia for which PPV and NPV are computed; choose those of the intended use."""
SENSITIVITY = 0.95
"""Least sensitivity on the validation films at the operating point `"sensitive"`."""
MISS_COST = 5
"""Number of false positives that cost as much as one false negative."""


@dataclass(frozen=True)
class OperatingPoint:
    """A rule for the threshold.

    Args:
        title: Name in tables.
        choose: Function that returns the index of the threshold to use, from sensitivity (k,) and specificity
            (k,) on the validation films at k ascending thresholds, and the prevalence there. None for a fixed
            probability of 0.5.
    """

    title: str
    choose: Callable[[np.ndarray, np.ndarray, float], int] | None = None


def _youden(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> int:
    """Maximize the sum of sensitivity and specificity (Youden 1950)."""
    return _middle(sensitivity + specificity)


def _sensitive(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> int:
    """Maximize specificity among thresholds with a sensitivity of at least `SENSITIVITY`."""
    return int(np.flatnonzero(sensitivity >= SENSITIVITY)[-1])


def _cheapest(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> int:
    """Minimize the cost of errors at the prevalence of the validation films."""
    return _middle(-MISS_COST * prevalence * (1 - sensitivity) - (1 - prevalence) * (1 - specificity))


def _middle(gain: np.ndarray) -> int:
    """Return the index of the middle one of the best candidates, which depends least on single films."""
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return int(best[len(best) // 2])


POINTS: dict[str, OperatingPoint] = {
    "half": OperatingPoint("Probability 0.5"),
    "youden": OperatingPoint("Youden", _youden),
    "sensitive": OperatingPoint(f"Sensitivity ≥ {SENSITIVITY:g}", _sensitive),
    "cost": OperatingPoint(f"A miss costs {MISS_COST} alarms", _cheapest),
}
"""Operating points by name; the board uses the first."""


@dataclass(frozen=True)
class OperatingRates:
    """Sensitivity and specificity at an operating point, each a mean over runs.

    Args:
        validation: Both on the validation films, where the threshold was chosen.
        test: Both on the test films.
    """

    validation: tuple[float, float]
    test: tuple[float, float]

    @property
    def drift(self) -> tuple[float, float]:
        """Test minus validation."""
        return self.test[0] - self.validation[0], self.test[1] - self.validation[1]


def choose_threshold(name: str, validation: LabelledPredictions) -> float:
    """Choose the threshold of an operating point on validation films.

    Args:
        name: A key of `POINTS`.
        validation: Films on which no result is reported.

    Returns:
        Score above which a film is predicted positive; nan if a class has no validation film.
    """
    choose = POINTS[name].choose
    if choose is None:
        return 0.0
    negatives, positives = (np.sort(validation.score[validation.labels == label]) for label in (0, 1))
    if not len(negatives) or not len(positives):
        return np.nan
    scores = np.unique(validation.score)
    # Midpoints of neighbouring scores and one beyond either end cover every division of these films.
    thresholds = [scores[0] - 1.0, *(scores[:-1] + np.diff(scores) / 2), scores[-1] + 1.0]
    sensitivity = 1 - np.searchsorted(positives, thresholds, "right") / len(positives)
    specificity = np.searchsorted(negatives, thresholds, "right") / len(negatives)
    return float(thresholds[choose(sensitivity, specificity, float(validation.labels.mean()))])


def measure_operating_point(
    name: str, validation: Sequence[LabelledPredictions], test: Sequence[LabelledPredictions]
) -> OperatingRates:
    """Choose a threshold on the validation films of each run, and measure it on the test films of that run.

    Args:
        name: A key of `POINTS`.
        validation: Validation predictions of each run.
        test: Test predictions of each run.
    """
    rates = []
    for own, held_out in zip(validation, test, strict=True):
        threshold = choose_threshold(name, own)
        rates.append((_rates_at(threshold, own), _rates_at(threshold, held_out)))
    chosen, achieved = np.mean(rates, axis=0).tolist()
    return OperatingRates(tuple(chosen), tuple(achieved))


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """Return PPV and NPV at another prevalence, by Bayes' theorem.

    This assumes the same scores of positives and negatives as in the test set.

    Args:
        sensitivity: Sensitivity of the operating point, in 0–1.
        specificity: Specificity of the operating point, in 0–1.
        prevalence: Share of positives, in 0–1.

    Returns:
        PPV and NPV; nan if nothing is predicted to be of that class.
    """
    positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return tuple(part[0] / sum(part) if sum(part) > 0 else np.nan for part in (positive, negative))


def _rates_at(threshold: float, films: LabelledPredictions) -> tuple[float, float]:
    """Return sensitivity and specificity at a threshold of the score; nan for a class without films."""
    if not np.isfinite(threshold):
        return np.nan, np.nan
    tn, fp, fn, tp = count_outcomes(films.labels, films.score - threshold)
    return tuple(hit / (hit + missed) if hit + missed else np.nan for hit, missed in ((tp, fn), (tn, fp)))
