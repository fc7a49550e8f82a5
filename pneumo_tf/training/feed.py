"""What a phase trains on and is judged by: films, or features of the layers that it leaves alone."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from pneumo_tf.data.batches import TrainingFilms, training_batches
from pneumo_tf.recipe import Recipe
from pneumo_tf.training.feature_cache import Features, Told, View
from pneumo_tf.training.step import Compiled, Predictor

Batch = tuple[tf.Tensor | np.ndarray, tf.Tensor | np.ndarray]


class FilmFeed:
    """Films, changed by augmentation on their way."""

    functions: tuple[Compiled, ...] = ()
    """What `prepare` calls."""

    def __init__(self, recipe: Recipe, films: TrainingFilms, predict: Predictor) -> None:
        """Takes the films.

        Args:
            recipe: Batch and augmentation.
            films: All there are.
            predict: Films to logits.
        """
        self.predict, self._recipe, self._films = predict, recipe, films

    def prepare(self, view: View, told: Told) -> None:
        """Computes what an epoch needs beforehand: nothing."""

    def batches(self, order: np.ndarray, view: View) -> Iterable[Batch]:
        """Gives an epoch's batches.

        Args:
            order: Indices of its films.
            view: Seed, phase and epoch of the augmentation.

        Returns:
            Pairs of what the step takes, and labels, (b,) int32.
        """
        return training_batches(self._recipe, self._films.sources, order, self._films.labels, *view)

    def validate(self) -> np.ndarray:
        """Logits of the validation films, (k, classes) float32."""
        return self.predict(self._films.pixels, self._films.validation)


class FeatureFeed:
    """Features of the same films."""

    def __init__(self, recipe: Recipe, films: TrainingFilms, predict: Predictor, features: Features) -> None:
        """Takes the films.

        Args:
            recipe: Batch and augmentation.
            films: All there are.
            predict: Features to logits.
            features: Computes them, or reads them.
        """
        self.predict, self._recipe, self._films, self._features = predict, recipe, films, features
        self.functions = (features.function,)
        self._of_view = np.empty(0, np.float32)

    def prepare(self, view: View, told: Told) -> None:
        """Computes the features of an epoch's films, where they were not computed before."""
        self._of_view = self._features.of(self._films.train, view, told)

    def batches(self, order: np.ndarray, view: View) -> Iterator[Batch]:
        """Gives an epoch's batches, as `FilmFeed.batches`; `prepare` was called for it."""
        for start in range(0, len(order), self._recipe.batch):
            rows = order[start : start + self._recipe.batch]
            yield self._of_view[rows], self._films.labels[rows].astype(np.int32)

    def validate(self) -> np.ndarray:
        """Logits of the validation films, (k, classes) float32."""
        return self.predict(self._features.of(self._films.validation), self._films.validation)


Feed = FilmFeed | FeatureFeed
