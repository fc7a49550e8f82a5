"""Scoring variants of a trained model: logits under augmented views or dropout masks."""

from functools import cached_property

import keras
import numpy as np

from pneumo_tf.data.augment import random_transforms
from pneumo_tf.data.batches import transform_films
from pneumo_tf.data.scoring_variants import parse_variant, view_augment
from pneumo_tf.recipe import Augment, Recipe
from pneumo_tf.training.dropout_seed import seed_dropout
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor


def augmented_films(
    sources: np.ndarray, rows: np.ndarray, augment: Augment, side: int, *key: int | str
) -> np.ndarray:
    """Return films with random augmentation, as in training.

    Args:
        sources: (n, source, source) uint8 of the whole dataset, at the augmentation's `source_side`.
        rows: (k,) indices of the films.
        augment: Ranges of the augmentation.
        side: Height and width of the result in pixels.
        *key: Seed, use and number of the view; another key gives another view.

    Returns:
        (k, side, side) uint8.
    """
    transforms = random_transforms(augment, len(sources), side, *key)
    views = []
    for start in range(0, len(rows), EVALUATION_BATCH):
        part = rows[start : start + EVALUATION_BATCH]
        warp, tone = transforms.of(part)
        view = transform_films(sources[part][..., None], warp, tone, side=side, fill=augment.fill)
        views.append(view.numpy()[..., 0])
    return np.concatenate(views)


class VariantScorer:
    """Scorer of one set of films in any variant of `pneumo_tf.data.scoring_variants`."""

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        seed: int,
        pixels: np.ndarray,
        sources: np.ndarray,
        rows: np.ndarray,
        *,
        batch: int = EVALUATION_BATCH,
        xla: bool = False,
    ) -> None:
        """Prepare the scorer; functions are traced at the first call that needs them.

        Args:
            model: Trained model.
            recipe: Recipe of its training.
            seed: Random seed of its training, also used for views and dropout masks.
            pixels: (n, side, side) uint8 of the whole dataset.
            sources: The same films at the `source_side` of the recipe's views.
            rows: (k,) indices of the films to score.
            batch: Number of films per batch.
            xla: Whether to compile with XLA.
        """
        self._model, self._recipe, self._seed, self._how = model, recipe, seed, {"batch": batch, "xla": xla}
        self._pixels, self._sources, self._rows = pixels, sources, rows

    def __call__(self, variant: str) -> np.ndarray:
        """Return the logits of a variant, (k, classes) float32; equal in repeated calls."""
        kind, number = parse_variant(variant)
        return {"tta": self._view, "mc": self._dropout}[kind](number)

    def _view(self, number: int) -> np.ndarray:
        augment, side = view_augment(self._recipe), self._recipe.size
        films = augmented_films(self._sources, self._rows, augment, side, self._seed, "tta", number)
        return self._without_dropout(films, np.arange(len(films)))

    def _dropout(self, number: int) -> np.ndarray:
        seed_dropout(self._model, self._seed, "mc", number)
        return self._with_dropout(self._pixels, self._rows)

    @cached_property
    def _without_dropout(self) -> Predictor:
        return Predictor(self._model, **self._how)

    @cached_property
    def _with_dropout(self) -> Predictor:
        return Predictor(self._model, dropout=True, **self._how)
