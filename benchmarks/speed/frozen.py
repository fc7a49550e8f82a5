"""(c) A frozen phase with features computed once, compared with the same phase through the whole network."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import keras

from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line, time_in_turns
from pneumo_tf.data.batches import TrainingFilms
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.harness import Setting, train

BACKBONE = "mobilenetv2"


def measure(setup: Setup) -> Iterator[Line]:
    """Time whole calls of `train`, including building, tracing, features and validation."""
    scale, weights = setup.scale, setup.initial_weights(BACKBONE)
    alternatives = (lambda: cached_seconds(setup, weights), lambda: plain_seconds(setup, weights))
    cached, plain = time_in_turns(alternatives, setup.repeat)
    yield Line(
        f"frozen phase, cached / plain, {scale.frozen_epochs} epochs",
        "s",
        cached,
        plain,
        at_least=10.0,
        note=f"{BACKBONE}, {len(_films(setup).train):,} films at {scale.step_side} px, a tenth as many for "
        "validation, no augmentation; building, tracing and features are included and computed again in each "
        f"turn. Theirs ran {scale.plain_epochs} epochs; the others are extrapolated by the median without "
        "the first.",
    )


def cached_seconds(setup: Setup, weights: Path | None) -> float:
    """Return the seconds of a phase with cached features, starting from an empty cache."""
    return _train(setup, weights, setup.scale.frozen_epochs, cached=True)[0]


def plain_seconds(setup: Setup, weights: Path | None) -> float:
    """Return the seconds of the same phase through the whole network, extrapolated from its first epochs."""
    seconds, epochs = _train(setup, weights, setup.scale.plain_epochs, cached=False)
    return seconds + (setup.scale.frozen_epochs - len(epochs)) * statistics.median(epochs[1:])


def _train(setup: Setup, weights: Path | None, epochs: int, *, cached: bool) -> tuple[float, list[float]]:
    """Return the seconds of a training, in its own folder, and of each of its epochs."""
    phase, started = Phase(epochs, learning_rate=1e-3, train="head"), time.perf_counter()
    recipe = Recipe("frozen", BACKBONE, (phase,), size=setup.scale.step_side, select="last")
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = build(BACKBONE, head=recipe.head, size=recipe.size, weights=weights)
    with tempfile.TemporaryDirectory(dir=setup.scratch) as folder:
        setting = Setting(
            seed=0,
            precision="float32",
            pretrained=weights is not None,
            micro_batches=(1,),
            xla=False,
            work=Path(folder) / "work",
            features=Path(folder) / "features" if cached else None,
        )
        trained = train(model, recipe, _films(setup), setting)
    seconds = time.perf_counter() - started
    return seconds, [row["seconds"] + row["validation_seconds"] for row in trained.history]


def _films(setup: Setup) -> TrainingFilms:
    # Use no film twice: its features would be computed once, which would flatter the cache.
    pixels = setup.pixels(setup.scale.step_side)
    rows = setup.order(min(setup.scale.frozen * 11 // 10, len(pixels)))
    train = len(rows) * 10 // 11
    return TrainingFilms(pixels, pixels, setup.labels, rows[:train], rows[train:])
