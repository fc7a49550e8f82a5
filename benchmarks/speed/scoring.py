"""(e) Every metric of one run, with its interval from 2,000 replicates of patients."""

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line, time_in_turns
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.evaluation.resampling import REPLICATES

LIMITS = {624: 1.0}
"""Target in seconds, by number of films: the official test set."""


def measure(setup: Setup) -> Iterator[Line]:
    """Time the scoring of sets of several sizes, including the replicates."""
    for films in setup.scale.scored:
        yield _time(fabricate_scored(films), setup.repeat)


def _time(scored: LabelledPredictions, repeat: int) -> Line:
    def estimate() -> None:
        PatientBootstrap().estimate([scored])

    (seconds,) = time_in_turns([estimate], repeat, clock=time.process_time)
    return Line(
        f"scoring of {len(scored):,} films",
        "s",
        seconds,
        at_most=LIMITS.get(len(scored)),
        note=f"{len(METRICS)} metrics, {REPLICATES:,} replicates of patients, resampled each time; "
        "processor seconds over all cores.",
    )


def fabricate_scored(films: int) -> LabelledPredictions:
    """Return predictions for films like the published test set: five in eight positive, two per patient."""
    random = np.random.default_rng(0)
    labels = (np.arange(films) % 8 < 5).astype(np.int8)
    score = random.normal(2.0 * labels - 1, 1.5)
    subtypes = np.where(labels == 0, "normal", np.where(random.random(films) < 0.6, "bacteria", "virus"))
    ids = tuple(map(str, range(films)))
    return LabelledPredictions(
        ids, labels, score[:, None].astype(np.float32), score, np.arange(films) // 2, subtypes
    )
