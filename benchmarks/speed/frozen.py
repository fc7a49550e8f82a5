"""(c) A frozen phase with features computed once, compared with the same phase through the whole network."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import keras

from benchmarks.speed.contest import Line, time_in_turns
from benchmarks.speed.scene import Scene
from pneumo_tf.data.batches import TrainingFilms
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.harness import Setting, train

BACKBONE = "mobilenetv2"


def measure(scene: Scene) -> Iterator[Line]:
    """Time whole calls of `train`, including building, tracing, features and validation."""
    scale, weights = scene.scale, scene.initial_weights(BACKBONE)
    alternatives = (lambda: cached_seconds(scene, weights), lambda: plain_seconds(scene, weights))
    cached, plain = time_in_turns(alternatives, scene.repeat)
    yield Line(
        f"frozen phase, cached / plain, {scale.frozen_epochs} epochs",
        "s",
        cached,
        plain,
        at_least=10.0,
        note=f"{BACKBONE}, {len(_films(scene).train):,} films at {scale.step_side} px, a tenth as many for "
        "validation, no augmentation; building, tracing and features are included and computed again in each "
        f"turn. Theirs ran {scale.plain_epochs} epochs; the others are extrapolated by the median without "
        "the first.",
    )


def cached_seconds(scene: Scene, weights: Path | None) -> float:
    """Return the seconds of a phase with cached features, starting from an empty cache."""
    return _train(scene, weights, scene.scale.frozen_epochs, cached=True)[0]


def plain_seconds(scene: Scene, weights: Path | None) -> float:
    """Return the seconds of the same phase through the whole network, extrapolated from its first epochs."""
    seconds, epochs = _train(scene, weights, scene.scale.plain_epochs, cached=False)
    return seconds + (scene.scale.frozen_epochs - len(epochs)) * statistics.median(epochs[1:])


def _train(scene: Scene, weights: Path | None, epochs: int, *, cached: bool) -> tuple[float, list[float]]:
    """Return the seconds of a training, in its own folder, and of each of its epochs."""
    phase, started = Phase(epochs, learning_rate=1e-3, train="head"), time.perf_counter()
    recipe = Recipe("frozen", BACKBONE, (phase,), size=scene.scale.step_side, select="last")
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = build(BACKBONE, head=recipe.head, size=recipe.size, weights=weights)
    with tempfile.TemporaryDirectory(dir=scene.scratch) as folder:
        setting = Setting(
            seed=0,
            precision="float32",
            pretrained=weights is not None,
            micro_batches=(1,),
            xla=False,
            work=Path(folder) / "work",
            features=Path(folder) / "features" if cached else None,
        )
        trained = train(model, recipe, _films(scene), setting)
    seconds = time.perf_counter() - started
    return seconds, [row["seconds"] + row["validation_seconds"] for row in trained.history]


def _films(scene: Scene) -> TrainingFilms:
    # Use no film twice: its features would be computed once, which would flatter the cache.
    pixels = scene.pixels(scene.scale.step_side)
    rows = scene.order(min(scene.scale.frozen * 11 // 10, len(pixels)))
    train = len(rows) * 10 // 11
    return TrainingFilms(pixels, pixels, scene.labels, rows[:train], rows[train:])
