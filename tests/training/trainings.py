"""Small trainings, for tests of the harness."""

import dataclasses

import keras

from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Augment, Head, Phase, Recipe
from pneumo_tf.training.harness import Setting, TrainingFilms, train

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


TWO_PHASES = dataclasses.replace(
    CNN,
    phases=(
        Phase(epochs=2, learning_rate=1e-3, train="head"),
        Phase(epochs=3, learning_rate=1e-3, batch_norm="training", optimizer="adamw", schedule="cosine"),
    ),
)

FROZEN = Phase(epochs=3, learning_rate=3e-3, train="head", l2=1e-3)
PLAIN = Augment()
TURNED = Augment(rotation=20, shift=0.2, flip=0.5, contrast=0.2)
