"""The training loop: what it learns, ends with and measures."""

import dataclasses

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_tf.costs.flops import forward_flops, training_flops
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Phase
from pneumo_tf.training import checkpoint, harness, meter, step
from pneumo_tf.training.cut import cut_network
from pneumo_tf.training.feature_cache import CHUNK
from pneumo_tf.training.feed import FeatureFeed, FilmFeed
from pneumo_tf.training.harness import NotFinite, Setting, train
from pneumo_tf.training.step import Predictor, TrainingStep
from pneumo_tf.training.trainable import set_trainable
from tests.training.trainings import CNN, FROZEN, LEARNING, PLAIN, TURNED, TWO_PHASES, films_of, trained


def test_a_small_cnn_learns_the_phantom(phantom, tmp_path):
    films, test = films_of(phantom, tmp_path, side=LEARNING.size)
    model, result = trained(LEARNING, films, tmp_path)
    logits = Predictor(model)(films.pixels, test)
    assert roc_auc_score(films.labels[test], logits[:, 1] - logits[:, 0]) > 0.85
    best = max(result.history, key=lambda row: row["validation_auc"])
    assert result.history[result.kept_epoch - 1]["validation_auc"] == best["validation_auc"]
    logits = Predictor(model)(films.pixels, films.validation)
    auc = roc_auc_score(films.labels[films.validation], logits[:, 1] - logits[:, 0])
    assert auc == pytest.approx(best["validation_auc"], abs=1e-6)


def test_shuffled_labels_teach_nothing(phantom, tmp_path):
    shuffled = np.random.default_rng(0).permutation(phantom.films.labels)
    films, test = films_of(phantom, tmp_path, shuffled, side=LEARNING.size)
    recipe = dataclasses.replace(LEARNING, phases=(dataclasses.replace(CNN.phases[0], epochs=4),))
    model, _ = trained(recipe, films, tmp_path)
    logits = Predictor(model)(films.pixels, test)
    assert roc_auc_score(phantom.films.labels[test], logits[:, 1] - logits[:, 0]) < 0.65


def test_micro_batches_are_trained_without_xla_and_noted(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, phases=(Phase(epochs=1, learning_rate=1e-3),))
    losses, notes = [], []
    for xla in (False, True):
        keras.utils.set_random_seed(0)
        model = build(recipe.architecture, head=recipe.head, size=recipe.size)
        work = tmp_path / str(xla)
        setting = Setting(0, "float32", pretrained=False, micro_batches=(4,), xla=xla, work=work)
        losses.append(train(model, recipe, films, setting, on_note=notes.append).history[0]["train_loss"])
    assert notes == ["micro-batches are trained without XLA"]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


def test_patience_ends_a_phase_and_the_last_epoch_can_be_kept(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    phase = Phase(epochs=30, learning_rate=1e-3, patience=2, batch_norm="training")
    _, result = trained(dataclasses.replace(CNN, phases=(phase,)), films, tmp_path)
    aucs = [row["validation_auc"] for row in result.history]
    assert len(aucs) < 30
    assert len(aucs) - result.kept_epoch == 2
    last = dataclasses.replace(CNN, select="last", phases=(Phase(epochs=2, learning_rate=1e-3),))
    _, result = trained(last, films, tmp_path / "last")
    assert result.kept_epoch == 2


def test_a_loss_that_is_no_number_stops_with_its_epoch(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    wild = dataclasses.replace(
        CNN, phases=(Phase(epochs=3, learning_rate=1e38, optimizer="sgd", momentum=0.9),)
    )
    with pytest.raises(NotFinite, match="epoch"):
        trained(wild, films, tmp_path)


class Clock:
    """Stands in for `time`: moves only when told."""

    now = 0.0

    def perf_counter(self):
        return self.now

    monotonic = perf_counter


def test_waiting_and_tracing_are_told_apart_from_training(small_phantom, tmp_path, monkeypatch):
    # Every batch lets the loop wait for 3 s, a step takes 1 s, a prediction 2 s; first calls 100 s more.
    clock, films = Clock(), films_of(small_phantom, tmp_path)[0]
    real_batches, real_predict, real_step = FilmFeed.batches, Predictor.__call__, TrainingStep

    def slow_batches(*arguments):
        for batch in real_batches(*arguments):
            clock.now += 3
            yield batch

    def timed(function, seconds):
        def call(self, *arguments):
            first = not self.function.trace_seconds
            result = function(self, *arguments)
            self.function.trace_seconds = 100.0
            clock.now += seconds + 100 * first
            return result

        return call

    monkeypatch.setattr(meter, "time", clock)
    monkeypatch.setattr(checkpoint, "time", clock)
    monkeypatch.setattr(FilmFeed, "batches", slow_batches)
    monkeypatch.setattr(Predictor, "__call__", timed(real_predict, 2))
    monkeypatch.setattr(real_step, "__call__", timed(real_step.__call__, 1))
    recipe = dataclasses.replace(TWO_PHASES, batch=20)
    steps, epochs = -(-len(films.train) // 20), 5
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    killed = {"on_epoch": lambda row: 1 / (row["epoch"] - 4)}
    with pytest.raises(ZeroDivisionError):
        trained(recipe, films, tmp_path, **killed)
    model, result = trained(recipe, films, tmp_path)
    # Killed in the second epoch of phase 2: that phase and the prediction are traced twice.
    assert result.trace_seconds == 2 * 100 + 100 + 100 + 100
    assert result.training_seconds == epochs * steps * 4 + 3 * 100
    assert result.validation_seconds == epochs * 2 + 2 * 100
    assert result.wait_share == pytest.approx(3 / 4)
    assert result.features_reused is None
    head, whole = (
        training_flops(model, set_trainable(model, architecture(recipe.architecture), phase))
        for phase in recipe.phases
    )
    first, second = (phase.epochs for phase in recipe.phases)
    arithmetic = len(films.train) * (first * head + second * whole)
    assert result.flops_per_second == pytest.approx(arithmetic / (epochs * steps * 4))


@pytest.mark.usefixtures("deterministic")
def test_the_arithmetic_of_features_counts_when_they_are_computed(small_phantom, tmp_path, monkeypatch):
    films = films_of(small_phantom, tmp_path)[0]
    recipe = dataclasses.replace(CNN, augment=PLAIN, phases=(FROZEN,))
    counted, results = [], []
    for work in ("first", "second"):
        totals = meter.Meter()
        monkeypatch.setattr(harness, "Meter", lambda totals=totals: totals)
        model, result = trained(recipe, films, tmp_path / work, features=tmp_path / "features")
        counted.append(totals.flops)
        results.append(result)
    variables = set_trainable(model, architecture(recipe.architecture), FROZEN)
    cut = cut_network(model, FROZEN, variables)
    in_epochs = FROZEN.epochs * len(films.train) * training_flops(cut.classifier, variables)
    chunks = -(-len(films.train) // CHUNK)
    assert counted == [in_epochs + chunks * CHUNK * forward_flops(cut.feature_extractor), in_epochs]
    assert training_flops(cut, variables) == training_flops(model, variables)
    assert [result.features_reused for result in results] == [0, 1]


def test_a_network_whose_operations_are_unknown_trains_with_a_note(small_phantom, tmp_path, monkeypatch):
    def backbone(x, **options):
        return keras.layers.Conv2DTranspose(4, 3, strides=2, name="upsampled")(x)

    monkeypatch.setattr("pneumo_tf.models.small_cnn.backbone", backbone)
    films, notes = films_of(small_phantom, tmp_path)[0], []
    recipe = dataclasses.replace(CNN, phases=(dataclasses.replace(FROZEN, epochs=2),))
    _, result = trained(recipe, films, tmp_path, features=tmp_path / "features", on_note=notes.append)
    assert result.flops_per_second is None
    assert notes == ["operations are unknown: no rule counts those of layer 'upsampled'"]
    assert len(result.history) == 2


@pytest.mark.usefixtures("deterministic")
def test_seconds_of_features_are_no_part_of_the_steady_rate(small_phantom, tmp_path, monkeypatch):
    # Features of a view take 50 s, a step 1 s.
    clock, films = Clock(), films_of(small_phantom, tmp_path)[0]
    computed, step_of = FeatureFeed.prepare, TrainingStep.__call__

    def prepare(self, *arguments):
        before = self._cache.computed
        computed(self, *arguments)
        clock.now += 50 * (self._cache.computed > before)

    def step(self, *batch):
        clock.now += 1
        return step_of(self, *batch)

    monkeypatch.setattr(meter, "time", clock)
    monkeypatch.setattr(FeatureFeed, "prepare", prepare)
    monkeypatch.setattr(TrainingStep, "__call__", step)
    phase = dataclasses.replace(FROZEN, epochs=4)
    recipe = dataclasses.replace(CNN, augment=TURNED, views=3, phases=(phase,), batch=20)
    _, result = trained(recipe, films, tmp_path, features=tmp_path / "features")
    steps = -(-len(films.train) // 20)
    assert [row["seconds"] for row in result.history] == [50 + steps] * 3 + [steps]
    assert [row["feature_seconds"] for row in result.history] == [50, 50, 50, 0]
    assert result.films_per_second == pytest.approx(len(films.train) / steps)


def test_evaluation_and_calibration_are_split_like_batches(small_phantom, tmp_path, monkeypatch):
    films = films_of(small_phantom, tmp_path)[0]
    sizes, begun = [], []
    real_batches, real_calibrate = step.fixed_batches, harness.calibrate_batch_norm
    monkeypatch.setattr(
        step,
        "fixed_batches",
        lambda pixels, rows, size: sizes.append(size) or real_batches(pixels, rows, size),
    )
    monkeypatch.setattr(
        harness,
        "calibrate_batch_norm",
        lambda model, chosen: begun.append(len(chosen)) or real_calibrate(model, chosen),
    )
    recipe = dataclasses.replace(CNN, phases=(dataclasses.replace(CNN.phases[0], epochs=1),))
    for number in (1, 8):
        trained(recipe, films, tmp_path / str(number), micro_batches=number)
    assert sizes == [128, 16]
    assert begun == [min(64, len(films.train)), 8]
