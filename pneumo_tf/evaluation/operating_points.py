"""Thresholds that are fixed on validation films alone, and what they keep of their promise on test films."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import count_outcomes

PREVALENCES = (0.02, 0.10, 0.30)
"""Shares of pneumonia that PPV and NPV are restated for: set them to those of the places you think of."""
SENSITIVITY = 0.95
"""Sensitivity on the validation films that the point of that name asks for."""
MISS_COST = 5
"""False alarms that cost as much as one missed pneumonia."""


@dataclass(frozen=True)
class OperatingPoint:
    """A rule for the threshold.

    Args:
        title: As tables show it.
        choose: Gives the index of the threshold, from sensitivity and specificity on the validation films at
            each candidate and the share of pneumonia there; None keeps a probability of 0.5.
    """

    title: str
    choose: Callable[[np.ndarray, np.ndarray, float], int] | None = None


def _youden(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> int:
    """The largest sum of both (Youden 1950)."""
    return _middle(sensitivity + specificity)


def _sensitive(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> int:
    """The most specific threshold that is sensitive enough."""
    return int(np.flatnonzero(sensitivity >= SENSITIVITY)[-1])


def _cheapest(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> int:
    """The least cost of errors, at the validation films' own share of pneumonia."""
    return _middle(-MISS_COST * prevalence * (1 - sensitivity) - (1 - prevalence) * (1 - specificity))


def _middle(gain: np.ndarray) -> int:
    """The middle one of the best candidates, which is the least beholden to single films."""
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return int(best[len(best) // 2])


POINTS: dict[str, OperatingPoint] = {
    "half": OperatingPoint("Probability 0.5"),
    "youden": OperatingPoint("Youden", _youden),
    "sensitive": OperatingPoint(f"Sensitivity ≥ {SENSITIVITY:g}", _sensitive),
    "cost": OperatingPoint(f"A miss costs {MISS_COST} alarms", _cheapest),
}
"""The operating points by name; the first is the board's."""


@dataclass(frozen=True)
class Kept:
    """What an operating point promised and what it kept, means over runs.

    Args:
        promised: Sensitivity and specificity on the validation films.
        kept: Both on the test films.
    """

    promised: tuple[float, float]
    kept: tuple[float, float]

    @property
    def drift(self) -> tuple[float, float]:
        """Test minus validation."""
        return self.kept[0] - self.promised[0], self.kept[1] - self.promised[1]


def threshold(name: str, validation: LabelledPredictions) -> float:
    """Chooses the score above which a film is called pneumonia; nan where validation lacks a class.

    Args:
        name: A key of `POINTS`.
        validation: Films that results are not reported on.
    """
    choose = POINTS[name].choose
    if choose is None:
        return 0.0
    normals, sick = (np.sort(validation.score[validation.labels == label]) for label in (0, 1))
    if not len(normals) or not len(sick):
        return np.nan
    scores = np.unique(validation.score)
    # Between neighbours, and one beyond either end: every way to divide these films.
    between = [scores[0] - 1.0, *(scores[:-1] + np.diff(scores) / 2), scores[-1] + 1.0]
    sensitivity = 1 - np.searchsorted(sick, between, "right") / len(sick)
    specificity = np.searchsorted(normals, between, "right") / len(normals)
    return float(between[choose(sensitivity, specificity, float(validation.labels.mean()))])


def keep_promise(
    name: str, validation: Sequence[LabelledPredictions], test: Sequence[LabelledPredictions]
) -> Kept:
    """Fixes a point on the validation films of each run, and reads it off the test films of that run."""
    rates = []
    for own, held_out in zip(validation, test, strict=True):
        at = threshold(name, own)
        rates.append([*_rates(own, at), *_rates(held_out, at)])
    promised_sensitivity, promised_specificity, *kept = map(float, np.mean(rates, axis=0))
    return Kept((promised_sensitivity, promised_specificity), (kept[0], kept[1]))


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """PPV and NPV where another share of patients is sick, by Bayes; nan where nobody is called so.

    It holds where the sick and the healthy look as they do in the test set, whatever their shares.
    """
    called = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return tuple(part[0] / sum(part) if sum(part) > 0 else np.nan for part in (called, cleared))


def _rates(films: LabelledPredictions, at: float) -> tuple[float, float]:
    if not np.isfinite(at):
        return np.nan, np.nan
    tn, fp, fn, tp = count_outcomes(films.labels, films.score - at)
    return tuple(hit / (hit + missed) if hit + missed else np.nan for hit, missed in ((tp, fn), (tn, fp)))
