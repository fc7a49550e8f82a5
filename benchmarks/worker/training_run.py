"""The part of a run that needs TensorFlow: build, train, predict, explain."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.worker.assignment import Assignment, Clock, Tell
from benchmarks.worker.costs import EnergyMeter, Training, costs_of_training, costs_of_use
from benchmarks.worker.settings import prepare_device, settings_record
from pneumo_tf.data.augment import source_side
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.errors import UserError
from pneumo_tf.explain.record import record_explanations
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Recipe
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.training.checkpoint import Checkpoint
from pneumo_tf.training.device import device_kind
from pneumo_tf.training.harness import CALIBRATION_FILMS, NotFinite, Setting, TrainingFilms, train
from pneumo_tf.training.memory import OutOfDeviceMemory, is_out_of_memory
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor
from pneumo_tf.training.variant_scorer import augmented_films

STEP_EVENT_SECONDS = 0.5
MOST_MICRO_BATCHES = 64
AUGMENTED_FILMS, AUGMENTED_VIEWS = 2, 4


def trained_logits(
    folder: RunFolder,
    assignment: Assignment,
    dataset: Dataset,
    split: Split,
    clock: Clock,
    tell: Tell,
    environment: dict[str, Any],
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Trains, predicts and explains.

    Args:
        folder: Of the run; history, pictures and model are written to it.
        assignment: Device and files.
        dataset: The films.
        split: Which film is for what.
        clock: Times the stages.
        tell: Takes progress.
        environment: Versions and notes are added to it.

    Returns:
        Logits of each set, (k, classes) float32 in the order of the split; costs for the board.
    """
    spec = folder.spec
    with clock.stage("start"):
        prepare_device(assignment, spec)
    environment |= settings_record(assignment)
    with clock.stage("decode"):
        pixels = _pixels(dataset, assignment, spec, spec.recipe.size)
        sources = _pixels(dataset, assignment, spec, source_side(spec.recipe.augment, spec.recipe.size))
    index = dataset.films.indices
    films = TrainingFilms(pixels, sources, dataset.films.labels, index(split.train), index(split.validation))
    model, training = _train_within_memory(folder, assignment, spec, films, clock, tell, environment)
    folder.write_history(training.trained.history)
    with clock.stage("predict"):
        batch = EVALUATION_BATCH // training.micro_batches
        predict = Predictor(model, batch=batch, xla=spec.xla)
        outputs = _outputs(predict, spec, dataset, split, pixels, sources)
        used = costs_of_use(model, predict, pixels)
    with clock.stage("explain"):
        record_explanations(folder, model, dataset, pixels, Predictions(split.test, outputs["test"]))
        if spec.recipe.augment.active:
            _write_augmented(folder, spec, dataset, split, pixels, sources)
    with clock.stage("save"):
        folder.save_model(model.save)
    costs = costs_of_training(training, spec, assignment) | used
    return outputs, {**costs, "train_films": len(split.train)}


def _pixels(dataset: Dataset, assignment: Assignment, spec: RunSpec, side: int) -> np.ndarray:
    fit, edge_crop = spec.recipe.fit, spec.recipe.edge_crop
    return cached_pixels(dataset, Path(assignment.cache), side=side, fit=fit, edge_crop=edge_crop)


def _train_within_memory(
    folder: RunFolder,
    assignment: Assignment,
    spec: RunSpec,
    films: TrainingFilms,
    clock: Clock,
    tell: Tell,
    environment: dict[str, Any],
) -> tuple[keras.Model, Training]:
    """Trains with whole batches, and where the device runs out of memory from the start with halved ones."""
    told = Progress(tell, spec.recipe)
    micro_batches = Checkpoint(folder.work).stored_micro_batches(xla=spec.xla, device=device_kind())

    def note(text: str) -> None:
        environment["notes"] = [*environment["notes"], text]
        tell("note", text=text)

    while True:
        environment["notes"] = [*assignment.notes]
        if micro_batches > 1:
            note(_said_of_parts(micro_batches, spec, pretrained=bool(assignment.weights)))
        try:
            callbacks = {"on_epoch": told.epoch, "on_step": told.step, "on_note": note}
            return _train_in_parts(micro_batches, folder, assignment, spec, films, clock, callbacks)
        except tf.errors.OpError as error:
            if not is_out_of_memory(error):
                raise
            micro_batches *= 2
            if micro_batches > min(spec.recipe.batch, MOST_MICRO_BATCHES):
                raise OutOfDeviceMemory(
                    "out of memory with the smallest batches; choose a smaller --size "
                    f"({type(error).__name__}: {error.message.strip().splitlines()[0]})"
                ) from error
            # What was trained with whole batches is not what the note will say.
            shutil.rmtree(folder.work, ignore_errors=True)
        except NotFinite as error:
            raise UserError(f"{error}; a lower learning rate or --precision float32 may help") from error


def _train_in_parts(
    micro_batches: int,
    folder: RunFolder,
    assignment: Assignment,
    spec: RunSpec,
    films: TrainingFilms,
    clock: Clock,
    callbacks: Mapping[str, Callable[..., None]],
) -> tuple[keras.Model, Training]:
    keras.utils.clear_session()
    keras.utils.set_random_seed(spec.seed)
    with clock.stage("build"):
        model = build(
            spec.recipe.architecture,
            head=spec.recipe.head,
            size=spec.recipe.size,
            weights=Path(assignment.weights) if assignment.weights else None,
        )
    setting = Setting(
        seed=spec.seed,
        precision=spec.precision,
        pretrained=bool(assignment.weights),
        micro_batches=micro_batches,
        xla=spec.xla,
        work=folder.work,
        rank_by="accuracy" if PROTOCOLS[spec.protocol].chooses_on_test else "auc",
        features=Path(assignment.cache) / "features",
    )
    resumed, meter = any(folder.work.glob("*")), EnergyMeter(assignment)
    with clock.stage("train"):
        trained = train(model, spec.recipe, films, setting, **callbacks)
    # A run that was gone on with has trained in an earlier process as well.
    seconds = trained.training_seconds + trained.validation_seconds
    clock.seconds["train"] = max(clock.seconds["train"], seconds)
    return model, Training(trained, micro_batches, None if resumed else meter.joules())


def _said_of_parts(parts: int, spec: RunSpec, *, pretrained: bool) -> str:
    """What a run says whose batches were cut."""
    changed = [
        f"batch of {spec.recipe.batch} in {parts} parts",
        f"evaluation in batches of {EVALUATION_BATCH // parts}",
    ]
    norm = spec.recipe.head.batch_norm or architecture(spec.recipe.architecture).batch_norm
    if norm and not pretrained:
        changed.append(f"batch norm begun from {CALIBRATION_FILMS // parts} films")
    return f"{', '.join(changed)}: the device ran out of memory"


class Progress:
    """Tells how far training is, a few times a second at most."""

    def __init__(self, tell: Tell, recipe: Recipe) -> None:
        self._tell, self._said = tell, 0.0
        self._before = np.cumsum([0, *(phase.epochs for phase in recipe.phases)])

    def step(self, phase: int, epoch: int, step: int, steps: int) -> None:
        """Told before each step."""
        if perf_counter() - self._said > STEP_EVENT_SECONDS:
            done = (int(self._before[phase]) + epoch + step / steps) / int(self._before[-1])
            self._tell(
                "step", epoch=int(self._before[phase]) + epoch + 1, epochs=int(self._before[-1]), done=done
            )
            self._said = perf_counter()

    def epoch(self, row: dict[str, float]) -> None:
        """Told after each epoch."""
        self._tell("epoch", **row)


def _outputs(
    predict: Predictor,
    spec: RunSpec,
    dataset: Dataset,
    split: Split,
    pixels: np.ndarray,
    sources: np.ndarray,
) -> dict[str, np.ndarray]:
    rows = {name: dataset.films.indices(ids) for name, ids in split.scored.items()}
    outputs = {name: predict(pixels, chosen) for name, chosen in rows.items()}
    if PROTOCOLS[spec.protocol].reported == "test@augmented":
        changed = _augmented(spec, rows["test"], sources, 0)
        outputs["test@augmented"] = predict(changed, np.arange(len(changed)))
    return outputs


def _write_augmented(
    folder: RunFolder, spec: RunSpec, dataset: Dataset, split: Split, pixels: np.ndarray, sources: np.ndarray
) -> None:
    films = dataset.films
    shown = films.indices(split.train[:: len(split.train) // 2])[:AUGMENTED_FILMS]
    views = [_augmented(spec, shown, sources, view) for view in range(AUGMENTED_VIEWS)]
    ids = np.array([films.rows[row].id for row in shown])
    folder.write_arrays(
        "augmented", {"ids": ids, "originals": pixels[shown], "augmented": np.stack(views, 1)}
    )


def _augmented(spec: RunSpec, rows: np.ndarray, sources: np.ndarray, view: int) -> np.ndarray:
    return augmented_films(sources, rows, spec.recipe.augment, spec.recipe.size, spec.seed, "shown", view)
