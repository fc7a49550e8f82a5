"""The training loop of all recipes: phases of epochs with validation; the best or last weights are kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.costs.flops import uncounted_layers
from pneumo_tf.data.augment import random_generator
from pneumo_tf.data.batches import TrainingFilms, count_batches, training_order
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.predictions import score_of_logits
from pneumo_tf.recipe import Recipe
from pneumo_tf.training.checkpoint import Checkpoint, Progress
from pneumo_tf.training.device import device_kind
from pneumo_tf.training.dropout_seed import seed_dropout
from pneumo_tf.training.feature_cache import FeatureCache, View
from pneumo_tf.training.feed import Batch
from pneumo_tf.training.meter import Meter, Stopwatch
from pneumo_tf.training.phase import OnNote, PreparedPhase, prepare_phase
from pneumo_tf.training.setting import Setting, micro_batches_of
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor
from pneumo_tf.training.trainable import calibrate_batch_norm

CALIBRATION_FILMS = 64
SPLIT_WITHOUT_XLA = "micro-batches are trained without XLA"

OnEpoch = Callable[[dict[str, float]], None]
OnStep = Callable[[int, int, int, int], None]


class NotFinite(RuntimeError):
    """The loss or a logit is not a finite number."""


@dataclass(frozen=True)
class Trained:
    """Result of a training, except the weights of the model.

    Args:
        history: One row per epoch.
        kept_epoch: The epoch whose weights the model has, from 1 over all phases.
        films_per_second: Training films divided by the seconds of steady epochs, without seconds in which
            features were computed. The first epoch of each phase does not count if there are others.
        training_seconds: Seconds of training steps over all epochs, including those before a kill.
        validation_seconds: Seconds of predicting and scoring the validation films.
        trace_seconds: Seconds of the first call of every compiled function, which is its trace and one batch;
            included in the two sums above.
        wait_share: Share of the training seconds, without first calls, in which the loop waited for a batch.
            On a GPU, which still processes its queue then, this is an upper bound.
        flops_per_second: Operations of the training steps, as `pneumo_tf.costs.flops.training_flops` counts
            them, divided by the training seconds without first calls; None if a layer cannot be counted.
        features_reused: Share of the features of frozen layers that were already on disk, from other runs or
            an earlier attempt; None if none were needed.
    """

    history: list[dict[str, float]]
    kept_epoch: int
    films_per_second: float
    training_seconds: float
    validation_seconds: float
    trace_seconds: float
    wait_share: float
    flops_per_second: float | None
    features_reused: float | None


def train(
    model: keras.Model,
    recipe: Recipe,
    films: TrainingFilms,
    setting: Setting,
    *,
    on_epoch: OnEpoch = lambda row: None,
    on_step: OnStep = lambda phase, epoch, step, steps: None,
    on_note: OnNote = lambda text: None,
) -> Trained:
    """Train a model by a recipe.

    Args:
        model: Model from `pneumo_tf.models.registry.build`; trained in place.
        recipe: Phases, loss, augmentation, selection.
        films: Training and validation films.
        setting: Seed, precision and folders. If the work folder has a checkpoint, training resumes from it.
        on_epoch: Called with each new row of the history.
        on_step: Called with phase, epoch, step and steps of the epoch, from 0, before each step. Computing
            missing features counts as steps too, before the others.
        on_note: Called with each note for readers of the board, one line.

    Returns:
        The history and costs. The model has the weights that the recipe keeps.

    Raises:
        NotFinite: If the loss or a logit is not a finite number.
        ValueError: If the checkpoint belongs to another number of micro-batches.
    """
    loop = _Loop(model, recipe, films, setting, on_epoch, on_step, on_note)
    for number in range(loop.progress.phase, len(recipe.phases)):
        loop.run_phase(number)
    return loop.result()


class _Loop:
    """A training in progress."""

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        films: TrainingFilms,
        setting: Setting,
        on_epoch: OnEpoch,
        on_step: OnStep,
        on_note: OnNote,
    ) -> None:
        self.model, self.recipe, self.films, self.setting = model, recipe, films, setting
        self.on_epoch, self.on_step, self.on_note = on_epoch, on_step, on_note
        self.predict: Predictor | None = None
        self.caches: list[FeatureCache] = []
        self.next_epoch: tuple[np.ndarray, Iterator[Batch]] | None = None
        self.checkpoint = Checkpoint(setting.work)
        self.progress = Progress(micro_batches=setting.micro_batches, xla=setting.xla, device=device_kind())
        self.meter, self.stored_optimizer = Meter(), None
        if not self.resume() and not setting.pretrained:
            _calibrate(model, films, setting)
        if setting.xla:
            # Not stored in the checkpoint: a later phase can be split.
            split = max(setting.micro_batches) > 1
            on_note(SPLIT_WITHOUT_XLA if split else f"whole batches of {recipe.batch} compiled with XLA")
        if uncounted := uncounted_layers(model):
            self.note(f"operations are unknown: no rule counts those of layer {uncounted[0]!r}")

    def resume(self) -> bool:
        """Continue from the checkpoint; return False if there is none that fits device and compiler."""
        stored = self.checkpoint.load()
        if stored is None:
            return False
        progress, meter, arrays = stored
        if (then := progress.computation) != (now := self.progress.computation):
            self.note(f"a checkpoint computed {then} was not continued {now}: training began again")
            self.checkpoint.discard()
            return False
        if progress.micro_batches != self.progress.micro_batches:
            raise ValueError(f"the checkpoint belongs to {progress.micro_batches} micro-batches")
        # At the start of a phase no optimiser is stored, because the phase has a new one.
        self.progress, self.meter, self.stored_optimizer = progress, meter, arrays["optimizer"] or None
        self.model.set_weights(arrays["model"])
        for text in progress.notes:
            self.on_note(text)
        return True

    def note(self, text: str) -> None:
        """Report a note once, also across processes that continue from its checkpoints."""
        if text not in self.progress.notes:
            self.progress.notes.append(text)
            self.on_note(text)

    def run_phase(self, number: int) -> None:
        progress, setting, self.next_epoch = self.progress, self.setting, None
        if number > 0 and progress.epoch == 0:
            self.checkpoint.save_phase_start(progress, self.meter, self.model)
        prepared = prepare_phase(
            number, self.model, self.recipe, self.films, setting, self.predictor(number), self.note
        )
        if prepared.cache:
            self.caches.append(prepared.cache)
        if self.stored_optimizer is not None:
            prepared.restore_optimizer(self.stored_optimizer)
            self.stored_optimizer = None
        for epoch in range(progress.epoch, prepared.phase.epochs):
            row = self.run_epoch(prepared, epoch)
            if progress.end_epoch(row, setting.rank_by) and self.recipe.select == "best":
                progress.best = self.model.get_weights()
            self.on_epoch(row)
            if prepared.phase.patience is not None and progress.stale >= prepared.phase.patience:
                break
            self.checkpoint.save_if_due(progress, self.meter, self.model, prepared.optimizer)
        if self.recipe.select == "best":
            self.model.set_weights(progress.best)
        progress.end_phase()

    def predictor(self, number: int) -> Predictor:
        """Return the compiled predictor of a phase; a new one only if its batch differs."""
        batch = EVALUATION_BATCH // micro_batches_of(self.setting.micro_batches, number)
        if self.predict is None or self.predict.batch != batch:
            self.predict = Predictor(self.model, batch=batch, xla=self.setting.xla)
        return self.predict

    def run_epoch(self, prepared: PreparedPhase, epoch: int) -> dict[str, float]:
        with self.meter.measure_training(prepared.functions) as training:
            train_loss, feature_seconds = self.train_epoch(prepared, epoch)
        with self.meter.measure_validation((prepared.feed.predict.function,)) as validating:
            # Its first batches are augmented while the validation films are predicted.
            last = epoch + 1 == prepared.phase.epochs
            self.next_epoch = None if last else self.open_epoch(prepared, epoch + 1)
            logits = prepared.feed.validate()
            if not (np.isfinite(train_loss) and np.isfinite(logits).all()):
                raise NotFinite(f"{train_loss} in phase {prepared.number + 1}, epoch {epoch + 1}")
            labels, score = self.films.labels[self.films.validation], score_of_logits(logits)
            # Bacteria and virus are pneumonia.
            pneumonia = (labels > 0).astype(np.int8)
            validation = compute_metrics(pneumonia, score, names=("auc", "accuracy", "log_loss"))
        return {
            "phase": prepared.number + 1,
            "epoch": len(self.progress.history) + 1,
            "learning_rate": prepared.learning_rate,
            "train_loss": train_loss,
            "validation_loss": float(validation["log_loss"][0]),
            "validation_auc": float(validation["auc"][0]),
            "validation_accuracy": float(validation["accuracy"][0]),
            "seconds": training.seconds,
            "feature_seconds": feature_seconds,
            "validation_seconds": validating.seconds,
        }

    def train_epoch(self, prepared: PreparedPhase, epoch: int) -> tuple[float, float]:
        """Train for an epoch; return the mean loss and the seconds spent on computing features."""
        number, feed = prepared.number, prepared.feed
        seed_dropout(self.model, self.setting.seed, number, epoch)
        order, batches = self.next_epoch or self.open_epoch(prepared, epoch)
        steps, chunks = count_batches(self.recipe, self.films.train), 0

        def on_chunk(done: int, total: int) -> None:
            nonlocal chunks
            chunks = total
            self.on_step(number, epoch, done, chunks + steps)

        with Stopwatch() as preparing:
            feed.prepare(self.view(number, epoch), on_chunk)
        loss = tf.constant(0.0)
        for index, (inputs, labels) in enumerate(self.meter.measure_waiting(batches)):
            self.on_step(number, epoch, chunks + index, chunks + steps)
            loss += prepared.step(inputs, labels) * float(len(labels))
        return float(loss) / len(order), preparing.seconds

    def open_epoch(self, prepared: PreparedPhase, epoch: int) -> tuple[np.ndarray, Iterator[Batch]]:
        """Return the order of an epoch's training films, and its batches."""
        train, number = self.films.train, prepared.number
        key = self.setting.seed, number, epoch
        order = training_order(self.recipe, train, self.films.labels[train], *key)
        return order, iter(prepared.feed.batches(order, self.view(number, epoch)))

    def view(self, number: int, epoch: int) -> View:
        """Return the augmented view of an epoch."""
        return self.setting.seed, number, self.recipe.view(number, epoch)

    def result(self) -> Trained:
        progress, history = self.progress, self.progress.history
        seconds = sum(row["seconds"] for row in history)
        return Trained(
            history=history,
            kept_epoch=progress.best_epoch if self.recipe.select == "best" else len(history),
            films_per_second=_steady_rate(history, len(self.films.train)),
            training_seconds=seconds,
            validation_seconds=sum(row["validation_seconds"] for row in history),
            trace_seconds=self.meter.trace_seconds,
            wait_share=self.meter.wait_share(seconds),
            flops_per_second=self.meter.flops_per_second(seconds),
            features_reused=_share_reused(self.caches),
        )


def _calibrate(model: keras.Model, films: TrainingFilms, setting: Setting) -> None:
    """Calibrate batch norm on random training films."""
    shuffled = random_generator("calibration", setting.seed).permutation(films.train)
    chosen = shuffled[: CALIBRATION_FILMS // micro_batches_of(setting.micro_batches, 0)]
    calibrate_batch_norm(model, films.pixels[chosen][..., None])


def _steady_rate(history: list[dict[str, float]], films: int) -> float:
    same_phase = [
        row for before, row in zip(history, history[1:], strict=False) if before["phase"] == row["phase"]
    ]
    steady = [row["seconds"] - row["feature_seconds"] for row in same_phase or history]
    return films * len(steady) / sum(steady)


def _share_reused(caches: Sequence[FeatureCache]) -> float | None:
    requested = sum(cache.requested for cache in caches)
    return 1 - sum(cache.computed for cache in caches) / requested if requested else None
