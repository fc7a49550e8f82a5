"""Stages after the predictions: costs of inference, explanations, pictures. A failed stage is only a note."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np

from benchmarks.worker.costs import measure_inference
from benchmarks.worker.run_context import RunContext
from benchmarks.worker.training_run import augmented_view
from pneumo_tf.explain.record import record_explanations
from pneumo_tf.failures import failure_of
from pneumo_tf.predictions import Predictions, score_of_logits
from pneumo_tf.training.step import Predictor

AUGMENTED_FILMS, AUGMENTED_VIEWS = 2, 4

EXPLANATIONS, INFERENCE_COSTS = "no explanations", "no costs of inference"
"""Prefixes of the notes of a run that lacks them."""

REMEDY = "--explain-again makes them from the saved model"
UNFINISHED = f"the worker ended before they were made; {REMEDY}"


def add_late_stages(run: RunContext, model: keras.Model, predict: Predictor, test: Predictions) -> None:
    """Measure inference, explain test films and store augmented ones; a failure becomes a note.

    `environment.json` notes missing results until their stage has succeeded, so the note remains if the
    process is killed.

    Args:
        run: Run whose predictions are already written.
        model: Its trained model.
        predict: Compiled predictor of the model.
        test: Predictions of the test films.
    """
    missing = {EXPLANATIONS: UNFINISHED}
    if "latency_ms" not in run.folder.read_json("costs.json"):
        missing[INFERENCE_COSTS] = UNFINISHED
    _write_notes(run, missing)
    if INFERENCE_COSTS in missing:
        with _late(run, missing, INFERENCE_COSTS, "predict"):
            costs = run.folder.read_json("costs.json") | measure_inference(model, predict, run.pixels)
            run.folder.write_json("costs.json", costs)
    with _late(run, missing, EXPLANATIONS, "explain"):
        record_explanations(run.folder, model, _scores_of(predict), run.dataset, run.pixels, test)
        if run.spec.recipe.augment.active:
            _write_augmented(run)


@contextmanager
def _late(run: RunContext, missing: dict[str, str], what: str, stage: str) -> Iterator[None]:
    """Run a stage; if it fails, note the missing results on the board and on the terminal."""
    try:
        with run.clock.stage(stage):
            yield
    # The run has its predictions and stays done; the traceback is in the log.
    except Exception as error:
        traceback.print_exc()
        missing[what] = f"{failure_of(error).reason}; {REMEDY}"
        run.send("note", text=f"{what}: {missing[what]}")
    else:
        del missing[what]
    _write_notes(run, missing)


def _write_notes(run: RunContext, missing: dict[str, str]) -> None:
    lines = [f"{what}: {reason}" for what, reason in missing.items()]
    environment = run.folder.read_json("environment.json")
    kept = [note for note in environment["notes"] if not note.startswith((EXPLANATIONS, INFERENCE_COSTS))]
    run.folder.write_json("environment.json", environment | {"notes": kept + lines})


def _scores_of(predict: Predictor) -> Callable[[np.ndarray], np.ndarray]:
    """Wrap a predictor as a function from films, (n, side, side) uint8, to (n,) scores."""
    return lambda films: score_of_logits(predict(films, np.arange(len(films))))


def _write_augmented(run: RunContext) -> None:
    """Store some training films with random augmented views."""
    films, train = run.dataset.films, run.split.train
    shown = films.indices(train[:: len(train) // 2])[:AUGMENTED_FILMS]
    views = [augmented_view(run, shown, view) for view in range(AUGMENTED_VIEWS)]
    ids = np.array([films.rows[row].id for row in shown])
    arrays = {"ids": ids, "originals": run.pixels[shown], "augmented": np.stack(views, 1)}
    run.folder.write_arrays("augmented", arrays)
