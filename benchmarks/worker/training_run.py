"""A run that trains a network: train, save the model, predict."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from benchmarks.worker.costs import training_costs
from benchmarks.worker.micro_batching import train_within_memory
from benchmarks.worker.run_context import RunContext
from benchmarks.worker.settings import describe_settings, prepare_device
from pneumo_tf.data.batches import TrainingFilms
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.data.target_classes import target_labels
from pneumo_tf.models.saved_model import load_saved_model
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor
from pneumo_tf.training.variant_scorer import augmented_films

TRAINED = "work/trained.json"
"""Costs and notes of a finished training; a run that is retried after it does not train again."""


@dataclass(frozen=True)
class NetworkRun:
    """A network after training, with its predictions.

    Args:
        model: The trained model.
        predict: Its compiled predictor.
        outputs: Logits of each set, (k, classes) float32 in the order of the split.
        costs: Costs of the training, for `costs.json`.
        environment: Versions and settings, for `environment.json`.
    """

    model: keras.Model
    predict: Predictor
    outputs: dict[str, np.ndarray]
    costs: dict[str, Any]
    environment: dict[str, Any]


def run_network(run: RunContext) -> NetworkRun:
    """Train the network of a run, save it and predict the sets of its split."""
    with run.clock.stage("start"):
        prepare_device(run.assignment, run.spec)
    with run.clock.stage("decode"):
        _ = run.pixels, run.sources
    model, costs = _load_trained(run) or _train(run)
    with run.clock.stage("predict"):
        batch = EVALUATION_BATCH // costs["micro_batches"]
        predict = Predictor(model, batch=batch, xla=run.spec.xla)
        outputs = _predict_sets(run, predict)
    return NetworkRun(model, predict, outputs, costs, describe_settings(run.assignment))


def _load_trained(run: RunContext) -> tuple[keras.Model, dict[str, Any]] | None:
    """Load the model that an earlier attempt at the run trained, None if there is none."""
    trained = run.folder.read_json(TRAINED)
    if not trained or not run.folder.model.exists():
        return None
    with run.clock.stage("load"):
        model = load_saved_model(run.folder.model, run.spec.recipe)
    for text in trained["notes"]:
        run.note(text)
    run.clock.seconds |= trained["seconds"]
    return model, trained["costs"]


def _train(run: RunContext) -> tuple[keras.Model, dict[str, Any]]:
    index = run.dataset.films.indices
    films = TrainingFilms(
        run.pixels,
        run.sources,
        target_labels(run.dataset.films, run.spec.recipe.head.classes),
        index(run.split.train),
        index(run.split.validation),
    )
    model, training = train_within_memory(run, films)
    costs = training_costs(training, run.spec, run.assignment) | {"train_films": len(run.split.train)}
    with run.clock.stage("save"):
        run.folder.write_history(training.trained.history)
        run.folder.save_model(model.save)
    seconds = {name: run.clock.seconds[name] for name in ("build", "train", "save")}
    run.folder.write_json(TRAINED, {"costs": costs, "notes": run.notes, "seconds": seconds})
    return model, costs


def _predict_sets(run: RunContext, predict: Predictor) -> dict[str, np.ndarray]:
    rows = {name: run.dataset.films.indices(ids) for name, ids in run.split.scored.items()}
    outputs = {name: predict(run.pixels, chosen) for name, chosen in rows.items()}
    if PROTOCOLS[run.spec.protocol].reported == "test@augmented":
        augmented = augmented_view(run, rows["test"], 0)
        outputs["test@augmented"] = predict(augmented, np.arange(len(augmented)))
    return outputs


def augmented_view(run: RunContext, rows: np.ndarray, view: int) -> np.ndarray:
    """Return films augmented as in training, (k, side, side) uint8.

    Args:
        run: The run.
        rows: (k,) indices of the films.
        view: Number of the random view.
    """
    recipe = run.spec.recipe
    return augmented_films(run.sources, rows, recipe.augment, recipe.size, run.spec.seed, "shown", view)
