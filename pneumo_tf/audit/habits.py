"""How people divide these films, as index arrays: what the habit lets a model know of the held-out films."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.models.logistic import score_held_out

FOLDS = 5

Division = tuple[np.ndarray, np.ndarray]
"""Indices of the films to fit to, and of the films to score."""


def score_folds(features: np.ndarray, labels: np.ndarray, divisions: Iterable[Division]) -> np.ndarray:
    """Scores every film by the model of the fold that held it out; (n,) float64, nan where none did."""
    scores = np.full(len(labels), np.nan)
    for fit, held in divisions:
        scores[held] = score_held_out(features, labels, fit, held)
    return scores


def grouped_folds(labels: np.ndarray, patients: np.ndarray, seed: int = 0) -> list[Division]:
    """Five folds with the labels in near proportion, whole patients only."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(labels)), labels, patients))


FEWEST_PATIENTS = 2 * FOLDS
"""Patients of each class in train below which folds would say nothing."""


@dataclass(frozen=True)
class Habit:
    """A way to divide films.

    Args:
        title: As tables show it.
        divide: Gives the divisions of one repeat, one per fold, for a seed.
        random: Whether another seed gives other films, in one division: then it is repeated.
    """

    title: str
    divide: Callable[[DecodedSet, int], list[Division]]
    random: bool = False


def _official(decoded: DecodedSet, seed: int) -> list[Division]:
    return [(np.flatnonzero(decoded.splits == "train"), np.flatnonzero(decoded.splits == "test"))]


def _grouped(decoded: DecodedSet, seed: int) -> list[Division]:
    train = np.flatnonzero(decoded.splits == "train")
    folds = grouped_folds(decoded.films.labels[train], decoded.patients[train], seed)
    return [(train[fit], train[held]) for fit, held in folds]


def _by_image(decoded: DecodedSet, seed: int) -> list[Division]:
    train = np.flatnonzero(decoded.splits == "train")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return [(train[fit], train[held]) for fit, held in folds.split(train, decoded.films.labels[train])]


def alphabetical_head(decoded: DecodedSet, seed: int = 0) -> list[Division]:
    """Keras' `ImageDataGenerator(validation_split=0.1)`: the first tenth of each class folder by name."""
    train = np.flatnonzero(decoded.folders == "train")
    head = []
    for label in (0, 1):
        of_class = train[decoded.films.labels[train] == label]
        head.append(of_class[: int(0.1 * len(of_class))])
    held = np.concatenate(head)
    return [(np.setdiff1d(train, held), held)]


def _random(decoded: DecodedSet, seed: int) -> list[Division]:
    order = np.random.default_rng([seed, 90]).permutation(np.flatnonzero(decoded.folders == "train"))
    fit = round(0.9 * len(order))
    return [(order[:fit], order[fit:])]


def _pooled(decoded: DecodedSet, seed: int) -> list[Division]:
    order = np.random.default_rng([seed, 70]).permutation(len(decoded.films))
    fit, chosen_on = round(0.7 * len(order)), round(0.85 * len(order))
    return [(order[:fit], order[chosen_on:])]


HABITS = {
    "grouped": Habit("5 folds inside train, patients kept whole", _grouped),
    "by_image": Habit("5 folds inside train, image by image", _by_image),
    "alphabetical": Habit("first 10 % of train by file name", alphabetical_head),
    "random": Habit("random 90/10 of train", _random, random=True),
    "pooled": Habit("everything pooled, random 70/15/15", _pooled, random=True),
    "official": Habit("official test", _official),
}
"""By name; `train` means train and val, but the 90/10 and the 10 % are of the folder `train` alone."""


def too_few(decoded: DecodedSet) -> str:
    """Why the films are too few to be divided in every way; an empty text where they are not."""
    for label, name in enumerate(("normal", "pneumonia")):
        of_class = decoded.films.labels == label
        patients = len(set(decoded.patients[of_class & (decoded.folders == "train")]))
        if patients < FEWEST_PATIENTS:
            return f"train has {patients} {name} patients, and at least {FEWEST_PATIENTS} are needed"
        if not (of_class & (decoded.splits == "test")).any():
            return f"the test has no {name} film that can be read"
    return ""


def leakage(decoded: DecodedSet, habit: Habit, repeats: int) -> np.ndarray:
    """Share of held-out films whose patient has a film in training, one value per repeat.

    Args:
        decoded: The films.
        habit: How they are divided; one that is not random is divided once.
        repeats: Divisions drawn.
    """
    shares = []
    for seed in range(repeats if habit.random else 1):
        divisions = habit.divide(decoded, seed)
        seen = [np.isin(decoded.patients[held], decoded.patients[fit]) for fit, held in divisions]
        shares.append(np.concatenate(seen).mean())
    return np.array(shares)
