"""Scoring of a finished run under conditions, from its saved model: it adds predictions and changes none."""

from pathlib import Path

from benchmarks.suite.views_and_dropout import AGAIN
from benchmarks.worker.assignment import Assignment, Clock
from benchmarks.worker.settings import prepare_device
from pneumo_tf.data.augment import source_side
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.scoring_variants import view_augment
from pneumo_tf.errors import UserError
from pneumo_tf.models.saved_model import load_saved_model
from pneumo_tf.predictions import Predictions
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.training.step import EVALUATION_BATCH
from pneumo_tf.training.variant_scorer import VariantScorer


def score_conditions(
    folder: RunFolder, assignment: Assignment, dataset: Dataset, test: tuple[str, ...], clock: Clock
) -> None:
    """Writes `predictions/test@<condition>.csv` for each condition of the assignment.

    Args:
        folder: Of the run, which stays as it is otherwise.
        assignment: Conditions, device and files.
        dataset: The films.
        test: Ids of the test films.
        clock: Times the stages.

    Raises:
        UserError: Where the run has no model any more.
    """
    spec, recipe = folder.spec, folder.spec.recipe
    if not folder.model.exists():
        raise UserError(f"{folder.model} is missing; {AGAIN}")
    with clock.stage("start"):
        prepare_device(assignment, spec)
    with clock.stage("load"):
        model = load_saved_model(folder.model, recipe)
    with clock.stage("decode"):
        pixels, sources = (
            cached_pixels(
                dataset, Path(assignment.cache), side=side, fit=recipe.fit, edge_crop=recipe.edge_crop
            )
            for side in (recipe.size, source_side(view_augment(recipe), recipe.size))
        )
    rows = dataset.films.indices(test)
    # As many at a time as the run could take when it was trained.
    batch = EVALUATION_BATCH // folder.read_json("costs.json").get("micro_batches", 1)
    score = VariantScorer(model, recipe, spec.seed, pixels, sources, rows, batch=batch, xla=spec.xla)
    for condition in assignment.conditions:
        with clock.stage("predict"):
            folder.write_predictions(f"test@{condition}", Predictions(test, score(condition)))
