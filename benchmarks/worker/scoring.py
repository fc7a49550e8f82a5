"""Further predictions of finished networks, from their saved models; existing ones are not changed."""

import keras
import numpy as np

from benchmarks.worker.external_scores import external_pixels
from benchmarks.worker.finished_run import load_finished
from benchmarks.worker.run_context import RunContext
from pneumo_tf.data.augment import source_side
from pneumo_tf.data.scoring_variants import view_augment
from pneumo_tf.predictions import Predictions
from pneumo_tf.training.step import Predictor
from pneumo_tf.training.variant_scorer import VariantScorer


def write_scores(run: RunContext) -> None:
    """Write the requested predictions: scoring variants and external films.

    Raises:
        DamagedFile: If the model of the run is missing or damaged.
    """
    model, predict = load_finished(run)
    for name, dataset, pixels in external_pixels(run):
        with run.clock.stage("predict"):
            logits = predict(pixels, np.arange(len(dataset.films)))
        ids = tuple(film.id for film in dataset.films)
        run.folder.write_predictions(name, Predictions(ids, logits))
    if run.assignment.variants:
        _write_variants(run, model, predict)


def _write_variants(run: RunContext, model: keras.Model, predict: Predictor) -> None:
    """Write `predictions/test@<variant>.csv` for each variant of the assignment."""
    spec, recipe, test = run.spec, run.spec.recipe, run.split.test
    with run.clock.stage("decode"):
        pixels = run.pixels
        sources = run.decode(source_side(view_augment(recipe), recipe.size))
    rows = run.dataset.films.indices(test)
    score = VariantScorer(model, recipe, spec.seed, pixels, sources, rows, batch=predict.batch, xla=spec.xla)
    for name in run.assignment.variants:
        with run.clock.stage("predict"):
            run.folder.write_predictions(f"test@{name}", Predictions(test, score(name)))
