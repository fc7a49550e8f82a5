"""Logits of a trained model under conditions: augmented views of the films, and draws of dropout."""

from functools import cached_property

import keras
import numpy as np

from pneumo_tf.data.augment import draw, generator
from pneumo_tf.data.augmented_views import parse_condition, view_augment
from pneumo_tf.data.batches import change
from pneumo_tf.recipe import Augment, Recipe
from pneumo_tf.training.step import EVALUATION_BATCH, Predictor


def seed_dropout(model: keras.Model, *key: int | str) -> None:
    """Sets every dropout layer's stream, so that the calls that follow draw what they drew under this key.

    Args:
        model: Its dropout layers' streams are set.
        *key: Seed, and what the masks are for, such as phase and epoch.
    """
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = generator("dropout", number, *key).integers(2**32, size=2, dtype=np.uint32)
            layer.seed_generator.state.assign(state)


def changed_films(
    sources: np.ndarray, rows: np.ndarray, augment: Augment, side: int, *key: int | str
) -> np.ndarray:
    """Films changed at random as in training.

    Args:
        sources: (n, source, source) uint8 of the whole dataset, at the augmentation's `source_side`.
        rows: (k,) indices of the films wanted.
        augment: Ranges of the change.
        side: Of the changed films, pixels.
        *key: Seed, use and view: another key is another draw.

    Returns:
        (k, side, side) uint8.
    """
    draws = draw(augment, len(sources), side, *key)
    parts = [rows[start : start + EVALUATION_BATCH] for start in range(0, len(rows), EVALUATION_BATCH)]
    changed = [
        change(sources[part][..., None], *draws.of(part), side=side, fill=augment.fill) for part in parts
    ]
    return np.concatenate([films.numpy()[..., 0] for films in changed])


class ConditionedScorer:
    """Scores one set of films under any condition of `pneumo_tf.data.augmented_views`."""

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
        """Prepares; functions are traced when first needed.

        Args:
            model: Trained.
            recipe: What it was trained by.
            seed: Of its training; views and masks are drawn by it, too.
            pixels: (n, side, side) uint8 of the whole dataset.
            sources: The same films at the `source_side` of the recipe's views.
            rows: (k,) indices of the films to score.
            batch: Films at a time.
            xla: Compile with XLA.
        """
        self._model, self._recipe, self._seed, self._how = model, recipe, seed, {"batch": batch, "xla": xla}
        self._pixels, self._sources, self._rows = pixels, sources, rows

    def __call__(self, condition: str) -> np.ndarray:
        """Gives the logits of one draw, (k, classes) float32; the same condition always gives the same."""
        kind, number = parse_condition(condition)
        return {"tta": self._view, "mc": self._dropout}[kind](number)

    def _view(self, number: int) -> np.ndarray:
        augment, side = view_augment(self._recipe), self._recipe.size
        films = changed_films(self._sources, self._rows, augment, side, self._seed, "tta", number)
        return self._plain(films, np.arange(len(films)))

    def _dropout(self, number: int) -> np.ndarray:
        seed_dropout(self._model, self._seed, "mc", number)
        return self._dropped(self._pixels, self._rows)

    @cached_property
    def _plain(self) -> Predictor:
        return Predictor(self._model, **self._how)

    @cached_property
    def _dropped(self) -> Predictor:
        return Predictor(self._model, dropout=True, **self._how)
