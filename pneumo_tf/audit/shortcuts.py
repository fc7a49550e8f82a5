"""What the trivial models reach under each way to divide the films."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pneumo_tf.audit.classifier import score_folds
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.habits import HABITS, Habit
from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap
from pneumo_tf.evaluation.scored import Scored
from pneumo_tf.models.trivial import FEATURES

METRICS = ("accuracy", "specificity", "auc")
REPEATS = 5
"""Of a division that is random."""

FEWEST_PATIENTS = 10
"""Patients of each class among the held-out films below which an interval would be a guess."""


class Reached(NamedTuple):
    """One trivial model under one way to divide the films.

    Args:
        habit: Key of `HABITS`.
        model: What the model sees, in words.
        held_out: Films that were scored, per repeat.
        estimates: By name of the metric; with an sd for repeats, otherwise with an interval.
    """

    habit: str
    model: str
    held_out: int
    estimates: dict[str, Estimate]


def reached(decoded: DecodedSet) -> Iterator[Reached]:
    """Fits the trivial models: thumbnails under every habit, and on the official test what else there is."""
    thumbnails = _flat(decoded.copies.thumbnail)
    for habit in HABITS:
        yield _reach(decoded, habit, "16×16 thumbnail", thumbnails)
    if decoded.sizes_known:
        yield _reach(decoded, "official", "thumbnail, letterboxed", _flat(decoded.copies.letterboxed))
        sizes = FEATURES["image_size"](decoded.dataset, Path())
        yield _reach(decoded, "official", "image size, no pixels", sizes)


def _flat(copies: np.ndarray) -> np.ndarray:
    return copies.reshape(len(copies), -1).astype(float)


def _reach(decoded: DecodedSet, name: str, model: str, features: np.ndarray) -> Reached:
    habit = HABITS[name]
    scored = [_score(decoded, habit, seed, features) for seed in range(REPEATS if habit.random else 1)]
    estimates = _spread(scored) if habit.random else PatientBootstrap().estimate(scored, METRICS)
    if not habit.random and _fewest_patients(scored[0]) < FEWEST_PATIENTS:
        estimates = {key: Estimate(e.value, np.nan, np.nan, e.sd, e.runs) for key, e in estimates.items()}
    return Reached(name, model, len(scored[0]), estimates)


def _score(decoded: DecodedSet, habit: Habit, seed: int, features: np.ndarray) -> Scored:
    score = score_folds(features, decoded.films.labels, habit.divide(decoded, seed))
    held = np.flatnonzero(np.isfinite(score))
    return Scored(
        tuple(decoded.films.rows[index].id for index in held),
        decoded.films.labels[held],
        score[held, None].astype(np.float32),
        score[held],
        decoded.patients[held],
        decoded.subtypes[held],
    )


def _spread(scored: list[Scored]) -> dict[str, Estimate]:
    """Mean and sd over repeats. No interval: repeats share films, and say nothing of other patients."""
    values = [PatientBootstrap(replicates=1).estimate([one], METRICS) for one in scored]
    runs = {name: tuple(value[name].value for value in values) for name in METRICS}
    return {
        name: Estimate(float(np.mean(run)), np.nan, np.nan, float(np.std(run, ddof=1)), run)
        for name, run in runs.items()
    }


def _fewest_patients(scored: Scored) -> int:
    return min(len(set(scored.patients[scored.labels == label])) for label in (0, 1))
