"""Split strategies: common ways to divide films, and how many patients of held-out films they leak."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.data.films import CLASSES
from pneumo_tf.data.patients import distribute_patients
from pneumo_tf.data.protocols.by_patient import FOLDS
from pneumo_tf.data.protocols.published import split_alphabetical, split_pooled
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.models.logistic import score_held_out

Division = tuple[np.ndarray, np.ndarray]
"""Indices of the training films and of the films to score, (k,) int64 each."""

FEWEST_PATIENTS = 2 * FOLDS
"""Patients of each class in train that folds need."""


@dataclass(frozen=True)
class SplitStrategy:
    """A way to divide films.

    Args:
        title: Title in tables, a text for `Wording.write`.
        divide: Function from the films and a seed to the divisions of one repeat, one per fold.
        random: Whether it is one division that depends on the seed; then it is repeated.
    """

    title: str
    divide: Callable[[DecodedSet, int], list[Division]]
    random: bool = False


def score_folds(features: np.ndarray, labels: np.ndarray, divisions: Iterable[Division]) -> np.ndarray:
    """Score every film by a model that was not fitted to it.

    Args:
        features: (n, features) float.
        labels: (n,) 0 or 1.
        divisions: Training films and films to score, for each model.

    Returns:
        (n,) float64 logits, nan for films that no division held out.
    """
    scores = np.full(len(labels), np.nan)
    for fit, held in divisions:
        scores[held] = score_held_out(features, labels, fit, held)
    return scores


def grouped_folds(labels: np.ndarray, patients: np.ndarray, seed: int = 0) -> list[Division]:
    """Divide films into five folds by patient, with nearly the same proportion of labels.

    Args:
        labels: (n,) 0 or 1.
        patients: (n,) key of the person on each film.
        seed: Seed of the order in which patients are assigned.
    """
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(labels)), labels, patients))


def _official(decoded: DecodedSet, seed: int) -> list[Division]:
    return [(np.flatnonzero(decoded.splits == "train"), np.flatnonzero(decoded.splits == "test"))]


def _grouped(decoded: DecodedSet, seed: int) -> list[Division]:
    """Divide as the protocol `cv5` does."""
    train = np.flatnonzero(decoded.splits == "train")
    folds = distribute_patients([decoded.films.rows[index] for index in train], FOLDS, "cv5")
    held = [np.isin(decoded.patients[train], list(patients)) for patients in folds]
    return [(train[~fold], train[fold]) for fold in held]


def _by_image(decoded: DecodedSet, seed: int) -> list[Division]:
    train = np.flatnonzero(decoded.splits == "train")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return [(train[fit], train[held]) for fit, held in folds.split(train, decoded.films.labels[train])]


def divide_alphabetically(decoded: DecodedSet, seed: int = 0) -> list[Division]:
    """Divide as the protocol `published-alphabetical` does: Keras' `validation_split=0.1`."""
    return [_division(decoded, split_alphabetical(decoded.films))]


def _random(decoded: DecodedSet, seed: int) -> list[Division]:
    order = np.random.default_rng([seed, 90]).permutation(np.flatnonzero(decoded.folders == "train"))
    fit = round(0.9 * len(order))
    return [(order[:fit], order[fit:])]


def _pooled(decoded: DecodedSet, seed: int) -> list[Division]:
    """Divide as the protocol `published-pooled` does."""
    return [_division(decoded, split_pooled(decoded.films))]


def _division(decoded: DecodedSet, split: Split) -> Division:
    return decoded.films.indices(split.train), decoded.films.indices(split.test)


STRATEGIES = {
    "grouped": SplitStrategy("5 folds inside train{kept_whole}", _grouped),
    "by_image": SplitStrategy("5 folds inside train, image by image", _by_image),
    "alphabetical": SplitStrategy("first 10 % of train by file name", divide_alphabetically),
    "random": SplitStrategy("random 90/10 of train", _random, random=True),
    "pooled": SplitStrategy("everything pooled, random 70/15/15", _pooled),
    "official": SplitStrategy("official test", _official),
}
"""Strategies by name. `train` includes val, except in the 90/10 and 10 % strategies."""


def strategies_of(decoded: DecodedSet) -> dict[str, SplitStrategy]:
    """Return the strategies for some films, titled for them.

    If no patient is known, folds that keep patients whole are folds image by image.
    """
    left_out = () if decoded.films.patients_known else ("by_image",)
    return {
        name: replace(strategy, title=decoded.wording.write(strategy.title))
        for name, strategy in STRATEGIES.items()
        if name not in left_out
    }


def explain_too_few(decoded: DecodedSet) -> str:
    """Return why there are too few films for the split strategies, `""` if there are enough."""
    for label, name in enumerate(CLASSES):
        of_class = decoded.films.labels == label
        patients = len(set(decoded.patients[of_class & (decoded.folders == "train")]))
        if patients < FEWEST_PATIENTS:
            unit = decoded.wording.unit
            return f"train has {patients} {name} {unit}s, and at least {FEWEST_PATIENTS} are needed"
        if not (of_class & (decoded.splits == "test")).any():
            return f"the test has no {name} film that can be read"
    return ""


def measure_leakage(decoded: DecodedSet, strategy: SplitStrategy, repeats: int) -> np.ndarray:
    """Measure the share of held-out films whose patient has a film in training.

    Args:
        decoded: The films.
        strategy: The strategy to divide them.
        repeats: Number of divisions if the strategy is random, otherwise one.

    Returns:
        (repeats,) float64 in 0–1, (1,) if the strategy is not random.
    """
    shares = []
    for seed in range(repeats if strategy.random else 1):
        divisions = strategy.divide(decoded, seed)
        shared = [np.isin(decoded.patients[held], decoded.patients[fit]) for fit, held in divisions]
        shares.append(np.concatenate(shared).mean())
    return np.array(shares)
