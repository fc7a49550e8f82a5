"""Predictions of external films by a finished run, added without changing the run's other files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.worker.run_context import RunContext
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.errors import UserError
from pneumo_tf.external_sets import external_set
from pneumo_tf.predictions import Predictions
from pneumo_tf.runs import Runs

LOGIT_TOLERANCE = 1e-4
"""Largest difference of logits between a repeated fit and the stored one, from rounding."""


def external_films(run: RunContext) -> Iterator[tuple[str, Dataset]]:
    """Yield the external sets of an assignment, each with the name of its predictions."""
    for fingerprint, root in run.assignment.external.items():
        with run.clock.stage("data"):
            dataset = Runs(run.folder.path.parent).read_films(fingerprint, root=Path(root))
        yield external_set(fingerprint), dataset


def external_pixels(run: RunContext) -> Iterator[tuple[str, Dataset, np.ndarray]]:
    """Yield the external sets of an assignment as `external_films`, each with its decoded films."""
    for name, dataset in external_films(run):
        with run.clock.stage("decode"):
            pixels = run.decode(run.spec.recipe.size, dataset)
        yield name, dataset, pixels


def write_trivial_external(run: RunContext) -> None:
    """Repeat the fit of a trivial row once, and write its predictions of all external films.

    Raises:
        UserError: If the predictions of the test films differ from the stored ones.
    """
    from pneumo_tf.models.trivial import fit_trivial

    films, name = run.dataset.films, run.spec.recipe.architecture
    train, cache = films.indices(run.split.train), Path(run.assignment.cache)
    stored = run.folder.read_predictions("test")
    external = dict(external_films(run))
    with run.clock.stage("predict"):
        here, *there = fit_trivial(name, run.dataset, cache, train, *external.values())
    if not np.allclose(here[films.indices(stored.ids)], stored.logits, atol=LOGIT_TOLERANCE):
        raise UserError("a repeated fit of this row differs from its stored scores; --fresh runs it again")
    for (set_name, dataset), logits in zip(external.items(), there, strict=True):
        ids = tuple(film.id for film in dataset.films)
        run.folder.write_predictions(set_name, Predictions(ids, logits))
