"""Scoring variants of finished runs, from their saved models; existing predictions are not changed."""

from benchmarks.worker.finished_run import load_finished
from benchmarks.worker.run_context import RunContext
from pneumo_tf.data.augment import source_side
from pneumo_tf.data.scoring_variants import view_augment
from pneumo_tf.predictions import Predictions
from pneumo_tf.training.variant_scorer import VariantScorer


def write_variants(run: RunContext) -> None:
    """Write `predictions/test@<variant>.csv` for each variant of the assignment.

    Raises:
        DamagedFile: If the model of the run is missing or damaged.
    """
    spec, recipe, test = run.spec, run.spec.recipe, run.split.test
    model, predict = load_finished(run)
    with run.clock.stage("decode"):
        pixels = run.pixels
        sources = run.decode(source_side(view_augment(recipe), recipe.size))
    rows = run.dataset.films.indices(test)
    score = VariantScorer(model, recipe, spec.seed, pixels, sources, rows, batch=predict.batch, xla=spec.xla)
    for name in run.assignment.variants:
        with run.clock.stage("predict"):
            run.folder.write_predictions(f"test@{name}", Predictions(test, score(name)))
