"""The training loop of every recipe: phases of epochs, each validated, the best or the last kept."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.data.augment import generator
from pneumo_tf.data.batches import TrainingFilms, training_order
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Recipe
from pneumo_tf.run import Predictions
from pneumo_tf.training.checkpoint import Checkpoint, Progress
from pneumo_tf.training.cut import Frozen, frozen_part
from pneumo_tf.training.feature_cache import CHUNK, Features
from pneumo_tf.training.feed import Batch, FeatureFeed, Feed, FilmFeed
from pneumo_tf.training.loss import class_weights, film_loss
from pneumo_tf.training.mc_dropout import seed_dropout
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor, TrainingStep
from pneumo_tf.training.trainable import calibrate_batch_norm, moving_variables

CHECKPOINT_SECONDS = 60.0
"""Epochs that end sooner after the last checkpoint than this are not worth one."""

CALIBRATION_FILMS = 64

FREE_DISK_SHARE = 0.25
"""Part of the free disk that the features of a phase may take."""

OnEpoch = Callable[[dict[str, float]], None]
OnStep = Callable[[int, int, int, int], None]
OnNote = Callable[[str], None]


class NotFinite(RuntimeError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Setting:
    """How a recipe is run, beside what it says itself.

    Args:
        seed: Of order, augmentation and dropout.
        precision: Keras dtype policy that the model was built under.
        pretrained: The backbone started from trained weights.
        micro_batches: Parts that a batch is cut into, 1 to 64; batches of evaluation and of features, and the
            films that batch norm is set by, become as many times fewer.
        xla: Compile with XLA.
        work: Folder for checkpoints.
        rank_by: What makes an epoch the best: validation `"auc"` or `"accuracy"`.
        features: Folder where features of frozen parts are kept; None computes them anew in every step.
    """

    seed: int
    precision: str
    pretrained: bool
    micro_batches: int
    xla: bool
    work: Path
    rank_by: str = "auc"
    features: Path | None = None


@dataclass(frozen=True)
class Trained:
    """What training leaves, beside the model's weights.

    Args:
        history: One row per epoch.
        kept_epoch: The epoch whose weights the model has, from 1 over all phases.
        films_per_second: Training films over seconds in the steady epochs, the first of each phase left
            out where there is another; without the seconds in which features were computed.
        training_seconds: Spent in training steps, over all epochs, those before a kill included.
        validation_seconds: Spent on predicting and scoring the validation films.
        trace_seconds: First calls of every compiled function, each the trace and one batch; within the two
            sums above.
        wait_share: Share of the training seconds beside the traces that went by without a batch to work on.
            A GPU still works off its queue then, so for it this is an upper bound.
        flops_per_second: Operations of the training steps over the training seconds beside the traces, as
            `pneumo_tf.costs.flops.training_flops` counts them.
        features_reused: Share of the features of frozen layers that were on the disk, from other runs or from
            an earlier attempt at this one; None where none were needed.
    """

    history: list[dict[str, float]]
    kept_epoch: int
    films_per_second: float
    training_seconds: float
    validation_seconds: float
    trace_seconds: float
    wait_share: float
    flops_per_second: float
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
    """Trains a model by a recipe.

    Args:
        model: From `pneumo_tf.models.registry.build`; trained in place.
        recipe: Phases, loss, augmentation, selection.
        films: Training and validation films.
        setting: Seed, precision and folder. A checkpoint found there is gone on from.
        on_epoch: Called with each new row of the history.
        on_step: Called with phase, epoch, step and steps of the epoch, from 0, before each step. Features
            that an epoch lacks are steps as well, before the others.
        on_note: Called with what a reader of the numbers must know, in one line.

    Returns:
        The history. The model has the weights that the recipe keeps.

    Raises:
        NotFinite: Where the loss is no longer a number.
    """
    loop = _Loop(model, recipe, films, setting, on_epoch, on_step, on_note)
    for number in range(loop.progress.phase, len(recipe.phases)):
        loop.run_phase(number)
    return loop.result()


class _Loop:
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
        labels = films.labels[films.train]
        self.loss = film_loss(recipe, class_weights(recipe, labels))
        parts = setting.micro_batches
        self.predict = Predictor(model, batch=EVALUATION_BATCH // parts, xla=setting.xla)
        self.steps = -(-len(films.train) // recipe.batch)
        self.checkpoint = Checkpoint(setting.work)
        stored = self.checkpoint.load()
        self.progress = stored[0] if stored else Progress()
        self.stored_optimizer = stored[1]["optimizer"] if stored else []
        self.features: list[Features] = []
        if stored:
            model.set_weights(stored[1]["model"])
        elif not setting.pretrained:
            drawn = generator("calibration", setting.seed).permutation(films.train)
            chosen = drawn[: CALIBRATION_FILMS // parts]
            calibrate_batch_norm(model, films.pixels[chosen][..., None])

    def run_phase(self, number: int) -> None:
        phase, progress = self.recipe.phases[number], self.progress
        variables = moving_variables(self.model, architecture(self.recipe.architecture), phase)
        network, feed = self.parts(number, frozen_part(self.model, phase, variables))
        optimizer = make_optimizer(phase, self.steps, self.setting.precision)
        step = TrainingStep(
            network,
            variables,
            optimizer,
            self.loss,
            l2=phase.l2,
            micro_batches=self.setting.micro_batches,
            xla=self.setting.xla,
        )
        for variable, value in zip(
            optimizer.variables, self.stored_optimizer, strict=bool(self.stored_optimizer)
        ):
            variable.assign(value)
        self.stored_optimizer, saved = [], time.monotonic()
        for epoch in range(progress.epoch, phase.epochs):
            measured = self.run_epoch(number, epoch, step, feed)
            rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
            row = {"phase": number + 1, "epoch": len(progress.history) + 1, "learning_rate": rate, **measured}
            progress.epoch = epoch + 1
            self.note(row)
            if phase.patience is not None and progress.stale >= phase.patience:
                break
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.checkpoint.save(progress, self.model, optimizer)
                saved = time.monotonic()
        if self.recipe.select == "best":
            self.model.set_weights(progress.best)
        progress.phase, progress.epoch, progress.stale = number + 1, 0, 0

    def parts(self, number: int, frozen: Frozen | None) -> tuple[keras.Model | Frozen, Feed]:
        """Gives what the step of a phase calls, and what it is fed with."""
        recipe, films, setting = self.recipe, self.films, self.setting
        plain = frozen or self.model, FilmFeed(recipe, films, self.predict)
        if frozen is None or setting.features is None:
            return plain
        chunk = max(1, CHUNK // setting.micro_batches)
        features = Features(frozen.below, recipe, films, setting.features, xla=setting.xla, chunk=chunk)
        if (
            needed := features.missing_megabytes(setting.seed, number)
        ) > FREE_DISK_SHARE * features.free_megabytes:
            self.on_note(
                f"phase {number + 1} passed every film through its frozen layers in every epoch: their "
                f"features take {needed:,.0f} MB, too much for {features.free_megabytes:,.0f} MB of free disk"
            )
            return plain
        self.features.append(features)
        return frozen.above, FeatureFeed(recipe, films, Predictor(frozen.above, xla=setting.xla), features)

    def run_epoch(self, number: int, epoch: int, step: TrainingStep, feed: Feed) -> dict[str, float]:
        started = time.perf_counter()
        train_loss, preparing = self.train_epoch(number, epoch, step, feed)
        trained = time.perf_counter()
        traced = feed.predict.function.trace_seconds
        logits = feed.validate()
        self.progress.traced_predictions += feed.predict.function.trace_seconds - traced
        if not (np.isfinite(train_loss) and np.isfinite(logits).all()):
            raise NotFinite(f"the loss is {train_loss} in phase {number + 1}, epoch {epoch + 1}")
        labels, score = self.films.labels[self.films.validation], Predictions((), logits).score
        validation = compute_metrics(labels, score, names=("auc", "accuracy", "log_loss"))
        return {
            "train_loss": train_loss,
            "validation_loss": float(validation["log_loss"][0]),
            "validation_auc": float(validation["auc"][0]),
            "validation_accuracy": float(validation["accuracy"][0]),
            "seconds": trained - started,
            "feature_seconds": preparing,
            "validation_seconds": time.perf_counter() - trained,
        }

    def train_epoch(self, number: int, epoch: int, step: TrainingStep, feed: Feed) -> tuple[float, float]:
        """Gives the mean loss, and the seconds in which features were computed."""
        key = (self.setting.seed, number, epoch)
        seed_dropout(self.model, *key)
        view = (self.setting.seed, number, self.recipe.view(number, epoch))
        order = training_order(self.recipe, self.films.train, self.films.labels[self.films.train], *key)
        total, before = tf.constant(0.0), 0

        def told(done: int, chunks: int) -> None:
            nonlocal before
            before = chunks
            self.on_step(number, epoch, done, chunks + self.steps)

        functions = (step.function, *feed.functions)
        traced = sum(function.trace_seconds for function in functions)
        worked = sum(function.flops for function in functions)
        started = time.perf_counter()
        feed.prepare(view, told)
        preparing = time.perf_counter() - started
        for index, (inputs, labels) in enumerate(self.waited_for(feed.batches(order, view))):
            self.on_step(number, epoch, before + index, before + self.steps)
            total += step(inputs, labels) * float(len(labels))
        self.progress.traced_steps += sum(function.trace_seconds for function in functions) - traced
        self.progress.flops += sum(function.flops for function in functions) - worked
        return float(total) / len(order), preparing

    def waited_for(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Passes batches on, and notes how long each was not there."""
        waiting = iter(batches)
        while True:
            started = time.perf_counter()
            batch = next(waiting, None)
            self.progress.waited += time.perf_counter() - started
            if batch is None:
                return
            yield batch

    def note(self, row: dict[str, float]) -> None:
        progress = self.progress
        progress.history.append(row)
        rank = (row[f"validation_{self.setting.rank_by}"], -row["validation_loss"])
        if rank > progress.best_rank:
            progress.best_rank, progress.best_epoch = rank, len(progress.history)
            progress.best = self.model.get_weights() if self.recipe.select == "best" else None
            progress.stale = 0
        else:
            progress.stale += 1
        self.on_epoch(row)

    def result(self) -> Trained:
        progress, history = self.progress, self.progress.history
        training = sum(row["seconds"] for row in history)
        return Trained(
            history=history,
            kept_epoch=progress.best_epoch if self.recipe.select == "best" else len(history),
            films_per_second=_steady_rate(history, len(self.films.train)),
            training_seconds=training,
            validation_seconds=sum(row["validation_seconds"] for row in history),
            trace_seconds=progress.traced_steps + progress.traced_predictions,
            wait_share=progress.waited / (training - progress.traced_steps),
            flops_per_second=progress.flops / (training - progress.traced_steps),
            features_reused=_share_reused(self.features),
        )


def _steady_rate(history: list[dict[str, float]], films: int) -> float:
    same_phase = [
        row for before, row in zip(history, history[1:], strict=False) if before["phase"] == row["phase"]
    ]
    steady = [row["seconds"] - row["feature_seconds"] for row in same_phase or history]
    return films * len(steady) / sum(steady)


def _share_reused(features: Sequence[Features]) -> float | None:
    needed = sum(each.needed for each in features)
    return 1 - sum(each.computed for each in features) / needed if needed else None
