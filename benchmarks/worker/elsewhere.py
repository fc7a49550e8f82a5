"""Films from elsewhere, scored by a finished run: predictions are added, nothing is changed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.worker.run_context import RunContext
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.errors import UserError
from pneumo_tf.external_sets import external_set
from pneumo_tf.predictions import Predictions
from pneumo_tf.runs import Runs

SAME = 1e-4
"""Difference of logits up to which a new fit is the stored one: versions of libraries round differently."""


def external_films(run: RunContext) -> Iterator[tuple[str, Dataset]]:
    """Yield the sets from elsewhere of an assignment, each with the name of its predictions."""
    for fingerprint, root in run.assignment.elsewhere.items():
        with run.clock.stage("data"):
            dataset = Runs(run.folder.path.parent).read_films(fingerprint, root=Path(root))
        yield external_set(fingerprint), dataset


def write_trivial_elsewhere(run: RunContext) -> None:
    """Fit a trivial row again, and write its predictions of the films from elsewhere.

    Raises:
        UserError: If the fit does not give the stored predictions of the test films.
    """
    from pneumo_tf.models.trivial import fit_trivial

    films, name = run.dataset.films, run.spec.recipe.architecture
    train, cache = films.indices(run.split.train), Path(run.assignment.cache)
    stored = run.folder.read_predictions("test")
    for set_name, dataset in external_films(run):
        with run.clock.stage("predict"):
            here, there = fit_trivial(name, run.dataset, cache, train, dataset)
        if not np.allclose(here[films.indices(stored.ids)], stored.logits, atol=SAME):
            raise UserError(
                "fitted again, the row gives other scores than those stored; --fresh runs it again"
            )
        ids = tuple(film.id for film in dataset.films)
        run.folder.write_predictions(set_name, Predictions(ids, there))
