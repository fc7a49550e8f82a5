import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from pneumo_tf.costs.flops import forward_flops, training_flops
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.models.weights_file import find
from pneumo_tf.recipe import Augment, Head, Phase, Recipe
from pneumo_tf.training import checkpoint, feed, harness, meter, step
from pneumo_tf.training.cut import cut_network
from pneumo_tf.training.feature_cache import CHUNK, FeatureCache
from pneumo_tf.training.harness import NotFinite, Setting, TrainingFilms, train
from pneumo_tf.training.step import Compiled, Predictor, TrainingStep
from pneumo_tf.training.trainable import set_trainable
from tests.conftest import SHARED

CNN = Recipe(
    "cnn",
    "conv4_gray",
    size=32,
    batch=16,
    augment=Augment(flip=0.5),
    head=Head(dropout=0.1),
    phases=(Phase(epochs=12, learning_rate=3e-3, batch_norm="training", schedule="cosine"),),
)

LEARNING = dataclasses.replace(CNN, size=64)
"""Of a size at which an opacity can be seen."""


def films_of(dataset, cache, labels=None, side=CNN.size):
    pixels = cached_pixels(dataset, cache, side=side)
    split = PROTOCOLS["official"].split(dataset.films, None)
    index = dataset.films.indices
    labels = dataset.films.labels if labels is None else labels
    return TrainingFilms(pixels, pixels, labels, index(split.train), index(split.validation)), index(
        split.test
    )


def trained(
    recipe,
    films,
    work,
    seed=0,
    micro_batches=1,
    features=None,
    weights=None,
    precision="float32",
    **callbacks,
):
    keras.utils.set_random_seed(seed)
    model = build(recipe.architecture, head=recipe.head, size=recipe.size, weights=weights)
    setting = Setting(
        seed,
        precision,
        pretrained=weights is not None,
        micro_batches=(micro_batches,),
        xla=False,
        work=work,
        features=features,
    )
    return model, train(model, recipe, films, setting, **callbacks)


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


TWO_PHASES = dataclasses.replace(
    CNN,
    phases=(
        Phase(epochs=2, learning_rate=1e-3, train="head"),
        Phase(epochs=3, learning_rate=1e-3, batch_norm="training", optimizer="adamw", schedule="cosine"),
    ),
)


@pytest.fixture(scope="module")
def deterministic():
    tf.config.experimental.enable_op_determinism()


def test_the_start_of_a_phase_is_a_checkpoint_and_goes_with_a_training_that_is_not_continued(
    small_phantom, tmp_path, monkeypatch
):
    films, _ = films_of(small_phantom, tmp_path)
    work, stored = tmp_path / "work", checkpoint.Checkpoint(tmp_path / "work")

    def stop(phase):
        def on_step(number, epoch, step, steps):
            if number == phase:
                raise KeyboardInterrupt

        return on_step

    # Too short for a checkpoint by time: that of the second phase's start is the only one.
    with pytest.raises(KeyboardInterrupt):
        trained(TWO_PHASES, films, work, on_step=stop(1))
    assert (stored.phase, stored.load().progress.phase) == (1, 1)
    rows = []
    trained(TWO_PHASES, films, work, on_epoch=rows.append)
    assert {row["phase"] for row in rows} == {2}
    monkeypatch.setattr(harness, "device_kind", lambda: "GPU")
    with pytest.raises(KeyboardInterrupt):
        trained(TWO_PHASES, films, work, on_step=stop(0))
    # A first phase that runs out of memory must not go on from the second of another device.
    assert (stored.phase, stored.load()) == (0, None)


@pytest.fixture(scope="module")
def whole_runs(small_phantom, tmp_path_factory, deterministic):
    """Weights and history of two phases that nothing stops, with cached features and without."""
    runs = {}
    for cached in (False, True):
        work = tmp_path_factory.mktemp("whole")
        films, _ = films_of(small_phantom, work)
        features = work / "features" if cached else None
        model, result = trained(TWO_PHASES, films, work / "run", features=features)
        runs[cached] = model.get_weights(), result.history
    return runs


@pytest.mark.parametrize(("stop_after", "cached"), [(1, False), (2, True), (3, False), (4, True)])
def test_a_killed_run_resumes_with_the_same_results(
    whole_runs, small_phantom, tmp_path, monkeypatch, stop_after, cached
):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    films, _ = films_of(small_phantom, tmp_path)
    weights, history = whole_runs[cached]
    features = tmp_path / "features" if cached else None

    class Killed(Exception):
        pass

    rows = []

    def kill(row):
        rows.append(row)
        if len(rows) == stop_after:
            raise Killed

    with pytest.raises(Killed):
        trained(TWO_PHASES, films, tmp_path / "killed", features=features, on_epoch=kill)
    resumed_rows = []
    resumed, again = trained(
        TWO_PHASES, films, tmp_path / "killed", features=features, on_epoch=resumed_rows.append
    )
    assert len(resumed_rows) < len(history) or stop_after == 1
    for row, other in zip(history, again.history, strict=True):
        assert row["train_loss"] == other["train_loss"]
        assert row["validation_auc"] == other["validation_auc"]
    for a, b in zip(weights, resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_device_is_not_continued_and_one_of_the_same_keeps_its_notes(
    small_phantom, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(harness, "uncounted_layers", lambda model: ["odd"])
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, phases=(dataclasses.replace(CNN.phases[0], epochs=2),))
    work = tmp_path / "work"

    def epochs_and_notes(kind):
        rows, notes = [], []
        monkeypatch.setattr(harness, "device_kind", lambda: kind)
        trained(recipe, films, work, micro_batches=2, on_epoch=rows.append, on_note=notes.append)
        return [row["epoch"] for row in rows], notes

    assert epochs_and_notes("CPU")[0] == [1, 2]
    monkeypatch.setattr(harness, "uncounted_layers", lambda model: [])
    epochs, notes = epochs_and_notes("CPU")
    assert epochs == []
    assert "operations are unknown" in notes[0]
    epochs, notes = epochs_and_notes("GPU")
    assert epochs == [1, 2]
    assert notes == [
        "a checkpoint computed on a CPU without XLA was not continued on a GPU without XLA: "
        "training began again"
    ]
    parts = checkpoint.Checkpoint(work).stored_micro_batches
    assert (parts(xla=False, device="GPU"), parts(xla=True, device="GPU")) == ((2,), None)


def test_cut_batches_are_trained_without_xla_and_a_note_says_so(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, phases=(Phase(epochs=1, learning_rate=1e-3),))
    losses, notes = [], []
    for xla in (False, True):
        keras.utils.set_random_seed(0)
        model = build(recipe.architecture, head=recipe.head, size=recipe.size)
        work = tmp_path / str(xla)
        setting = Setting(0, "float32", pretrained=False, micro_batches=(4,), xla=xla, work=work)
        losses.append(train(model, recipe, films, setting, on_note=notes.append).history[0]["train_loss"])
    assert notes == ["training steps compiled without XLA: batches were cut"]
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
    real_batches, real_predict, real_step = feed.training_batches, Predictor.__call__, TrainingStep

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
    monkeypatch.setattr(feed, "training_batches", slow_batches)
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
    computed, step_of = feed.FeatureFeed.prepare, TrainingStep.__call__

    def prepare(self, *arguments):
        before = self._cache.computed
        computed(self, *arguments)
        clock.now += 50 * (self._cache.computed > before)

    def step(self, *batch):
        clock.now += 1
        return step_of(self, *batch)

    monkeypatch.setattr(meter, "time", clock)
    monkeypatch.setattr(feed.FeatureFeed, "prepare", prepare)
    monkeypatch.setattr(TrainingStep, "__call__", step)
    phase = dataclasses.replace(FROZEN, epochs=4)
    recipe = dataclasses.replace(CNN, augment=TURNED, views=3, phases=(phase,), batch=20)
    _, result = trained(recipe, films, tmp_path, features=tmp_path / "features")
    steps = -(-len(films.train) // 20)
    assert [row["seconds"] for row in result.history] == [50 + steps] * 3 + [steps]
    assert [row["feature_seconds"] for row in result.history] == [50, 50, 50, 0]
    assert result.films_per_second == pytest.approx(len(films.train) / steps)


def test_where_batches_are_cut_evaluation_and_calibration_are_cut_too(small_phantom, tmp_path, monkeypatch):
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
    for parts in (1, 8):
        trained(recipe, films, tmp_path / str(parts), micro_batches=parts)
    assert sizes == [128, 16]
    assert begun == [min(64, len(films.train)), 8]


def test_a_smaller_last_batch_is_not_traced_again():
    traces = []
    compiled = Compiled(lambda batch: traces.append(1) or batch + 1, xla=False)
    for size in (3, 1, 2):
        assert compiled(np.zeros((size, 2), np.float32)).shape == (size, 2)
    assert len(traces) == 1
    assert compiled.trace_seconds > 0


FROZEN = Phase(epochs=3, learning_rate=3e-3, train="head", l2=1e-3)
PLAIN = Augment()
TURNED = Augment(rotation=20, shift=0.2, flip=0.5, contrast=0.2)
AGREEING = {
    "plain films, balanced sampling, weighted and smoothed loss": {
        "augment": PLAIN,
        "sampling": "balanced",
        "class_weights": "balanced",
        "label_smoothing": 0.1,
    },
    "a view for every epoch, a head with batch norm": {
        "augment": TURNED,
        "select": "last",
        "head": Head(units=(8,), batch_norm=True, dropout=0.5),
        # The bias before a batch norm has a gradient of nothing but rounding, which Adam would scale up to
        # whole steps.
        "phases": (dataclasses.replace(FROZEN, optimizer="sgd", learning_rate=0.03),),
    },
    "last stage": {"augment": PLAIN, "phases": (dataclasses.replace(FROZEN, train="last_stage"),)},
    "two phases and cycled views in parts of a batch": {
        "augment": TURNED,
        "views": 2,
        "phases": (FROZEN, Phase(epochs=1, learning_rate=1e-4, batch_norm="training")),
    },
}


def agree(recipe, films, tmp_path, **how):
    """Trains on films and on features, and compares."""
    one, plain = trained(recipe, films, tmp_path / "plain", **how)
    other, cached = trained(recipe, films, tmp_path / "cached", features=tmp_path / "features", **how)
    assert list((tmp_path / "features").glob("*.npy"))
    assert cached.kept_epoch == plain.kept_epoch
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.abs(a - b).max() <= 1e-4 * max(1e-3, np.abs(a).max())
    first, second = (Predictor(model)(films.pixels, films.validation) for model in (one, other))
    np.testing.assert_allclose(first, second, atol=1e-4)
    for row, again in zip(plain.history, cached.history, strict=True):
        assert again["train_loss"] == pytest.approx(row["train_loss"], rel=1e-4)


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("case", AGREEING)
def test_training_on_features_agrees_with_training_on_films(small_phantom, tmp_path, case):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, head=Head(units=(8,), dropout=0.5), phases=(FROZEN,))
    agree(
        dataclasses.replace(recipe, **AGREEING[case]),
        films,
        tmp_path,
        micro_batches=2 if "parts" in case else 1,
    )


def test_features_are_the_same_files_in_any_number_of_parts(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(
        CNN, architecture="conv3_gray", phases=(dataclasses.replace(FROZEN, epochs=1),)
    )
    shares = [
        trained(recipe, films, tmp_path / str(parts), micro_batches=parts, features=tmp_path / "features")[1]
        for parts in (1, 4)
    ]
    assert [share.features_reused for share in shares] == [0, 1]


def test_features_too_large_for_the_disk_are_not_kept_and_that_is_said(small_phantom, tmp_path, monkeypatch):
    monkeypatch.setattr(FeatureCache, "free_megabytes", 0.01)
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, phases=(dataclasses.replace(FROZEN, epochs=1),))
    notes = []
    _, result = trained(recipe, films, tmp_path, features=tmp_path / "features", on_note=notes.append)
    assert not (tmp_path / "features").exists()
    assert "phase 1" in notes[0]
    assert "0 MB of free disk" in notes[0]
    assert len(result.history) == 1


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_features_in_half_precision_lose_nothing_on_the_disk(small_phantom, tmp_path, policy):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, augment=PLAIN, phases=(dataclasses.replace(FROZEN, epochs=2),))
    keras.mixed_precision.set_global_policy(policy)
    try:
        agree(recipe, films, tmp_path, precision=policy)
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_a_frozen_phase_uses_the_views_of_its_recipe_and_its_progress_never_decreases(
    small_phantom, tmp_path, monkeypatch
):
    films, _ = films_of(small_phantom, tmp_path)
    phases = (dataclasses.replace(FROZEN, epochs=4), Phase(epochs=2, learning_rate=1e-4))
    recipe = dataclasses.replace(CNN, phases=phases, augment=TURNED, views=3)
    seen, progress, prepare, batches = [], [], feed.FeatureFeed.prepare, feed.FilmFeed.batches
    monkeypatch.setattr(
        feed.FeatureFeed, "prepare", lambda self, view, told: seen.append(view) or prepare(self, view, told)
    )
    monkeypatch.setattr(
        feed.FilmFeed, "batches", lambda self, order, view: seen.append(view) or batches(self, order, view)
    )
    trained(
        recipe,
        films,
        tmp_path,
        seed=5,
        features=tmp_path / "features",
        on_step=lambda phase, epoch, step, steps: progress.append((phase, epoch, step / steps)),
    )
    assert seen == [(5, 0, 0), (5, 0, 1), (5, 0, 2), (5, 0, 0), (5, 1, 0), (5, 1, 1)]
    assert progress == sorted(progress)
    assert max(share for *_, share in progress) < 1
    steps = -(-len(films.train) // recipe.batch)
    chunks = -(-len(films.train) // CHUNK)
    assert len(progress) == 6 * steps + 3 * chunks


@pytest.mark.slow
def test_a_frozen_efficientnet_drops_no_paths(small_phantom, tmp_path):
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(
        CNN, architecture="efficientnet_b0", augment=PLAIN, phases=(dataclasses.replace(FROZEN, epochs=1),)
    )
    agree(recipe, films, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("augment", [PLAIN, TURNED], ids=["plain", "augmented"])
def test_a_trained_backbone_agrees_on_real_films(real_films, tmp_path, augment):
    weights = find(architecture("mobilenetv2").weights, SHARED / "weights")
    if weights is None:
        pytest.skip("no weights of MobileNetV2")
    dataset = KERMANY.read(real_films)
    pixels = cached_pixels(dataset, tmp_path, side=96)
    chosen = np.random.default_rng(0).permutation(len(pixels))
    films = TrainingFilms(pixels, pixels, dataset.films.labels, chosen[:400], chosen[400:600])
    recipe = Recipe(
        "x",
        "mobilenetv2",
        size=96,
        augment=augment,
        views=2,
        head=Head(units=(64,), dropout=0.5),
        initial="imagenet",
        phases=(dataclasses.replace(FROZEN, learning_rate=1e-3),),
    )
    agree(recipe, films, tmp_path, weights=weights)
