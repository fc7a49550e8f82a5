"""(c) A frozen phase whose features are computed once, against the same phase through the whole network."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras

from benchmarks.speed.contest import Line, alternate
from benchmarks.speed.scene import Scene
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.harness import Setting, TrainingFilms, train

BACKBONE = "mobilenetv2"


def measure(scene: Scene) -> Iterator[Line]:
    """Races whole calls of `train`: tracing, features and every epoch with its validation count."""
    scale, weights = scene.scale, scene.initial_weights(BACKBONE)
    phase = Phase(epochs=scale.frozen_epochs, learning_rate=1e-3, train="head")
    recipe = Recipe("frozen", BACKBONE, (phase,), size=scale.step_side)
    films = _films(scene, recipe)
    cached, plain = alternate(
        (
            _trained(scene, recipe, films, weights, cached=True),
            _trained(scene, recipe, films, weights, cached=False),
        ),
        scene.repeat,
    )
    yield Line(
        f"frozen phase of {phase.epochs} epochs, {BACKBONE}",
        "s",
        cached,
        plain,
        at_least=10.0,
        note=f"{len(films.train)} films to train and {len(films.validation)} to validate, {recipe.size} px, "
        "no augmentation; building, tracing and the features, computed anew in each turn, are in the time.",
    )


def _films(scene: Scene, recipe: Recipe) -> TrainingFilms:
    pixels, count = scene.pixels(recipe.size), scene.scale.frozen
    rows = scene.order(count + max(8, count // 10))
    return TrainingFilms(pixels, pixels, scene.labels, rows[:count], rows[count:])


def _trained(
    scene: Scene, recipe: Recipe, films: TrainingFilms, weights: Path | None, *, cached: bool
) -> Callable[[], None]:
    """Gives one whole training a call, in a folder of its own: nothing is gone on from."""

    def once() -> None:
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        model = build(recipe.architecture, head=recipe.head, size=recipe.size, weights=weights)
        with tempfile.TemporaryDirectory(dir=scene.scratch) as folder:
            setting = Setting(
                seed=0,
                precision="float32",
                pretrained=weights is not None,
                micro_batches=1,
                xla=False,
                work=Path(folder) / "work",
                features=Path(folder) / "features" if cached else None,
            )
            train(model, recipe, films, setting)

    return once
