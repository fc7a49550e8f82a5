"""Training and validation data of a phase: films or cached features."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from pneumo_tf.data.batches import TrainingFilms, training_batches
from pneumo_tf.recipe import Recipe
from pneumo_tf.training.compiled import Compiled
from pneumo_tf.training.feature_cache import FeatureCache, OnChunk, View
from pneumo_tf.training.step import Predictor

Batch = tuple[tf.Tensor | np.ndarray, tf.Tensor | np.ndarray]


class FilmFeed:
    """Feed of films, which are augmented on the way to the network."""

    functions: tuple[Compiled, ...] = ()
    """Compiled functions that `prepare` calls."""

    def __init__(self, recipe: Recipe, films: TrainingFilms, predict: Predictor) -> None:
        """Prepare the feed.

        Args:
            recipe: Batch and augmentation.
            films: The dataset.
            predict: Predictor from films to logits.
        """
        self.predict, self._recipe, self._films = predict, recipe, films

    def prepare(self, view: View, on_chunk: OnChunk) -> None:
        """Prepare an epoch; does nothing for films."""

    def batches(self, order: np.ndarray, view: View) -> Iterable[Batch]:
        """Return the batches of an epoch.

        Args:
            order: Indices of the films, in order.
            view: Seed, phase and epoch of the augmentation.

        Returns:
            Pairs of inputs of the step and labels, (b,) int32. The first are made as soon as there is an
            iterator, in the background.
        """
        batches = training_batches(self._recipe, self._films.sources, order, self._films.labels, *view)
        options = tf.data.Options()
        options.experimental_warm_start = True
        return batches.with_options(options)

    def validate(self) -> np.ndarray:
        """Compute the logits of the validation films, (k, classes) float32."""
        return self.predict(self._films.pixels, self._films.validation)


class FeatureFeed:
    """Feed of cached features."""

    def __init__(self, recipe: Recipe, films: TrainingFilms, predict: Predictor, cache: FeatureCache) -> None:
        """Prepare the feed.

        Args:
            recipe: Batch and augmentation.
            films: The dataset.
            predict: Predictor from features to logits.
            cache: Cache of the features.
        """
        self.predict, self._recipe, self._films, self._cache = predict, recipe, films, cache
        self.functions = (cache.function,)
        self._of_view = np.empty(0, np.float32)

    def prepare(self, view: View, on_chunk: OnChunk) -> None:
        """Compute the features of an epoch's films that are not cached yet."""
        self._of_view = self._cache.features(self._films.train, view, on_chunk)

    def batches(self, order: np.ndarray, view: View) -> Iterator[Batch]:
        """Return the batches of an epoch, as `FilmFeed.batches`, after `prepare`."""
        for start in range(0, len(order), self._recipe.batch):
            rows = order[start : start + self._recipe.batch]
            yield self._of_view[rows], self._films.labels[rows].astype(np.int32)

    def validate(self) -> np.ndarray:
        """Compute the logits of the validation films, (k, classes) float32."""
        return self.predict(self._cache.features(self._films.validation), self._films.validation)


Feed = FilmFeed | FeatureFeed
