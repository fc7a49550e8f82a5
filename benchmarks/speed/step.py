"""(b) Training steps of the harness, fed by its own pipeline, compared with `model.fit` on arrays."""

import itertools
from collections.abc import Callable, Iterator

import keras
import numpy as np

from benchmarks.speed.speed_setup import Setup
from benchmarks.speed.timing import Line, films_per_second, time_in_turns
from pneumo_tf.data.batches import training_batches, training_order
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.device import device_kind
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import TrainingStep
from pneumo_tf.training.trainable import set_trainable

MODELS = {"mobilenetv2": 0.97, "conv3_gray": 0.97}
"""Target ratio of each architecture."""

PHASE = Phase(epochs=1, learning_rate=1e-4, train="all", batch_norm="training")


def measure(setup: Setup) -> Iterator[Line]:
    """Compare one epoch of a backbone and of a small CNN, with all variables trained."""
    side, films = setup.scale.step_side, setup.scale.steps
    for name, target in MODELS.items():
        recipe = Recipe(name, name, (PHASE,), size=side)
        alternatives = our_epochs(setup, recipe), fit_epochs(setup, recipe)
        mine, other = time_in_turns(alternatives, setup.repeat)
        yield Line(
            f"step / model.fit, {name}",
            "films/s",
            films_per_second(films, mine),
            films_per_second(films, other),
            at_least=target,
            note=f"{side} px, batches of {recipe.batch}, Adam, no augmentation; fit on arrays in memory, "
            "with XLA where Keras uses it by default, like ours, and without metrics.",
        )


def our_epochs(setup: Setup, recipe: Recipe) -> Callable[[], None]:
    """Return a function that runs one epoch of the harness."""
    pixels, rows, epochs = (
        setup.pixels(recipe.size),
        setup.order(setup.scale.steps),
        itertools.count(),
    )
    model = _model(recipe)
    variables = set_trainable(model, architecture(recipe.architecture), PHASE)
    optimizer = make_optimizer(PHASE, len(rows) // recipe.batch, "float32")
    step = TrainingStep(
        model, variables, optimizer, film_loss(recipe, (1.0, 1.0)), xla=device_kind() == "GPU"
    )

    def epoch() -> None:
        key = 0, 0, next(epochs)
        order = training_order(recipe, rows, setup.labels[rows], *key)
        losses = [step(*batch) for batch in training_batches(recipe, pixels, order, setup.labels, *key)]
        np.array(losses)

    return epoch


def fit_epochs(setup: Setup, recipe: Recipe) -> Callable[[], None]:
    """Return a function that runs one epoch of `model.fit` on the same films."""
    rows = setup.order(setup.scale.steps)
    films, labels = (
        setup.pixels(recipe.size)[rows][..., None],
        setup.labels[rows].astype(np.int32),
    )
    model = _model(recipe)
    model.compile(
        keras.optimizers.Adam(PHASE.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile="auto",
    )

    def epoch() -> None:
        model.fit(films, labels, batch_size=recipe.batch, verbose=0)

    return epoch


def _model(recipe: Recipe) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build(recipe.architecture, head=recipe.head, size=recipe.size)
