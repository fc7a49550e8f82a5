"""Preparation of a phase of training: its step, optimiser and data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from pneumo_tf.data.batches import TrainingFilms, count_batches
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.compiled import Compiled
from pneumo_tf.training.cut import CutNetwork, cut_network
from pneumo_tf.training.feature_cache import FeatureCache
from pneumo_tf.training.feed import FeatureFeed, Feed, FilmFeed
from pneumo_tf.training.loss import class_weights, film_loss
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.setting import Setting, micro_batches_of
from pneumo_tf.training.step import Predictor, TrainingStep
from pneumo_tf.training.trainable import set_trainable

FREE_DISK_SHARE = 0.25
"""Largest share of the free disk that the features of a phase may take."""

OnNote = Callable[[str], None]


@dataclass(frozen=True)
class PreparedPhase:
    """Objects that the epochs of a phase use.

    Args:
        number: Index of the phase in the recipe.
        phase: Definition of the phase.
        feed: Training and validation data.
        optimizer: Optimiser of the phase.
        step: The compiled training step.
        cache: Cached features of frozen layers; None if films are passed through the whole network.
    """

    number: int
    phase: Phase
    feed: Feed
    optimizer: keras.optimizers.Optimizer
    step: TrainingStep
    cache: FeatureCache | None

    @property
    def functions(self) -> tuple[Compiled, ...]:
        """Compiled functions that training steps call."""
        return (self.step.function, *self.feed.functions)

    @property
    def learning_rate(self) -> float:
        """Current learning rate of the optimiser."""
        return float(keras.ops.convert_to_numpy(self.optimizer.learning_rate))

    def restore_optimizer(self, values: Sequence[np.ndarray]) -> None:
        """Set the optimiser's variables to those of a checkpoint."""
        for variable, value in zip(self.optimizer.variables, values, strict=True):
            variable.assign(value)


def prepare_phase(
    number: int,
    model: keras.Model,
    recipe: Recipe,
    films: TrainingFilms,
    setting: Setting,
    predict: Predictor,
    on_note: OnNote,
) -> PreparedPhase:
    """Prepare a phase.

    Args:
        number: Index of the phase in the recipe.
        model: The model; its `trainable` flags are set.
        recipe: Phases, loss and augmentation.
        films: Training and validation films.
        setting: Precision, micro-batches and folders.
        predict: Predictor from films to logits.
        on_note: Called with each note for readers of the board.
    """
    phase = recipe.phases[number]
    variables = set_trainable(model, architecture(recipe.architecture), phase)
    cut = cut_network(model, phase, variables)
    cache = _open_cache(number, recipe, films, setting, cut, on_note)
    if cache:
        network = cut.classifier
        feed = FeatureFeed(recipe, films, Predictor(network, xla=setting.xla), cache)
    else:
        network, feed = cut or model, FilmFeed(recipe, films, predict)
    optimizer = make_optimizer(phase, count_batches(recipe, films.train), setting.precision)
    step = TrainingStep(
        network,
        variables,
        optimizer,
        film_loss(recipe, class_weights(recipe, films.labels[films.train])),
        l2=phase.l2,
        micro_batches=micro_batches_of(setting.micro_batches, number),
        xla=setting.xla,
        free_mb=setting.free_mb,
    )
    return PreparedPhase(number, phase, feed, optimizer, step, cache)


def _open_cache(
    number: int,
    recipe: Recipe,
    films: TrainingFilms,
    setting: Setting,
    cut: CutNetwork | None,
    on_note: OnNote,
) -> FeatureCache | None:
    """Return the cache of a phase's frozen features; None if nothing is frozen or the disk is too small."""
    if cut is None or setting.features is None:
        return None
    cache = FeatureCache(
        cut.feature_extractor, recipe, films, setting.features, xla=setting.xla, on_note=on_note
    )
    needed, free = cache.missing_megabytes(setting.seed, number), cache.free_megabytes
    if needed <= FREE_DISK_SHARE * free:
        return cache
    on_note(
        f"phase {number + 1} passed every film through its frozen layers in every epoch: their "
        f"features take {needed:,.0f} MB, too much for {free:,.0f} MB of free disk"
    )
    return None
