"""Loading of a finished run's saved model."""

import keras

from benchmarks.worker.run_context import RunContext
from benchmarks.worker.settings import prepare_device
from pneumo_tf.models.saved_model import load_saved_model
from pneumo_tf.stored_files import DamagedFile
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor


def load_finished(run: RunContext) -> tuple[keras.Model, Predictor]:
    """Prepare the device, and load the model of a finished run with its predictor.

    Raises:
        DamagedFile: If the model is missing or damaged.
    """
    path = run.folder.model
    if not path.exists():
        raise DamagedFile(path, "is missing")
    with run.clock.stage("start"):
        prepare_device(run.assignment, run.spec)
    with run.clock.stage("load"):
        model = load_saved_model(path, run.spec.recipe)
    # A run that had to split its batches for training needs smaller batches here too.
    batch = EVALUATION_BATCH // run.folder.read_json("costs.json").get("micro_batches", 1)
    return model, Predictor(model, batch=batch, xla=run.spec.xla)
