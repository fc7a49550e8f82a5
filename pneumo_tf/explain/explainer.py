"""`Explainer`: maps of films by several methods in one pass through the model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.errors import UserError, unknown
from pneumo_tf.explain.baselines import BASELINES, Baseline
from pneumo_tf.explain.cam import METHODS, Activations, Cam
from pneumo_tf.explain.layers import check_model, check_target, choose_layers, film_in_float

Target = Literal["score", 0, 1, 2]

METHODS_AND_BASELINES: Mapping[str, type[Cam] | type[Baseline]] = {**METHODS, **BASELINES}
"""All methods and baselines of an `Explainer`, by name."""

_SCALE = 256.0
"""Factor on the target during backpropagation: small gradients would underflow in float16."""


class Explainer:
    """Saliency maps of a model, by one or more methods.

    Args:
        layers: Names of the explained layers.
        grid: Height and width of the maps, those of the largest explained layer.

    Example:
        >>> explain = Explainer(model, ("grad_cam", "layer_cam", "centre"))
        >>> explain(films)["grad_cam"]
    """

    def __init__(
        self,
        model: keras.Model,
        methods: Sequence[str] = ("grad_cam",),
        layer: str | Sequence[str] | None = None,
        *,
        target: Target = "score",
        batch: int = 16,
    ) -> None:
        """Prepare the compiled pass; it is traced at the first call.

        Args:
            model: Functional model without nested models, from grey films to one, two or three logits. Later
                changes of its weights take effect.
            methods: Keys of `METHODS` and `BASELINES`.
            layer: Layer to explain, by default the one that the registry names for the model's architecture.
                Maps of several layers are resized to one grid and averaged.
            target: `"score"`, the logarithm of the odds of pneumonia; or the logit of one class, by its place
                in `TARGET_CLASSES`: 0 normal, 1 pneumonia. For a single logit, 0 explains its negative.
            batch: Maximum number of films in one pass; affects memory, not the maps.

        Raises:
            UserError: If a method, layer or target is unknown, or the model cannot be explained.
        """
        check_model(model)
        check_target(model, target)
        self.layers = choose_layers(model, layer)
        outputs = [model.get_layer(name).output for name in self.layers]
        self.grid = max((tuple(output.shape[1:3]) for output in outputs), key=np.prod)
        made = {name: _method(name) for name in methods}
        self._cams = {name: item for name, item in made.items() if isinstance(item, Cam)}
        self._baselines = {name: item for name, item in made.items() if isinstance(item, Baseline)}
        self._order, self._batch, self._target = tuple(made), batch, target
        self._side = model.inputs[0].shape[1]
        # Starts at the film in floating point, so that gradients exist for the film and for frozen layers.
        self._inner = keras.Model(film_in_float(model), [*outputs, model.outputs[0]])
        films = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.uint8)
        self._pass = tf.function(self._maps_of, input_signature=[films])

    def __call__(self, films: np.ndarray) -> dict[str, np.ndarray]:
        """Explain films.

        Args:
            films: (n, side, side) uint8.

        Returns:
            For each method, in the order given, (n, *grid) float32, 0 or more, not normalised; a map is all 0
            if nothing in the film is evidence for the target.

        Raises:
            UserError: If the films have another size or type than the model expects.
        """
        if films.dtype != np.uint8 or films.shape[1:] != (self._side, self._side):
            raise UserError(
                f"films must be uint8 (n, {self._side}, {self._side}), not {films.dtype} {films.shape}"
            )
        starts = range(0, len(films), self._batch)
        parts = [self._part(films[start : start + self._batch]) for start in starts]
        empty = np.zeros((0, *self.grid), np.float32)
        return {name: np.concatenate([empty, *(part[name] for part in parts)]) for name in self._order}

    def _part(self, films: np.ndarray) -> dict[str, np.ndarray]:
        maps = {name: item.maps(films, self.grid) for name, item in self._baselines.items()}
        if self._cams:
            found = self._pass(tf.constant(films[..., None]))
            maps |= {name: values.numpy() for name, values in found.items()}
        return maps

    def _maps_of(self, films: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = tf.cast(films, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            *features, logits = self._inner(pixels, training=False)
            scaled = _SCALE * _explained(logits, self._target)
        with_pixels = any(cam.needs_pixel_gradient for cam in self._cams.values())
        gradients = tape.gradient(scaled, [*features, *([pixels] if with_pixels else [])])
        gradients = [tf.cast(gradient, tf.float32) / _SCALE for gradient in gradients]
        pixel_gradient = gradients.pop() if with_pixels else None
        activations = [
            Activations(tf.cast(feature, tf.float32), gradient, pixels, pixel_gradient, self._target_of)
            for feature, gradient in zip(features, gradients, strict=True)
        ]
        return {
            name: _fused([cam.map(layer) for layer in activations], self.grid)
            for name, cam in self._cams.items()
        }

    def _target_of(self, pixels: tf.Tensor) -> tf.Tensor:
        return tf.cast(_explained(self._inner(pixels, training=False)[-1], self._target), tf.float32)


def make_scorer(model: keras.Model, *, batch: int = 64) -> Callable[[np.ndarray], np.ndarray]:
    """Return the model as a function from films (n, side, side) uint8 to (n,) float64 scores."""
    check_model(model)
    films = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.uint8)
    scores = tf.function(lambda films: _explained(model(films, training=False), "score"), [films])

    def score_films(films: np.ndarray) -> np.ndarray:
        starts = range(0, len(films), batch)
        parts = [scores(tf.constant(films[start : start + batch, ..., None])).numpy() for start in starts]
        return np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float64)

    return score_films


def _method(name: str) -> Cam | Baseline:
    if name not in METHODS_AND_BASELINES:
        raise unknown("method", name, METHODS_AND_BASELINES)
    return METHODS_AND_BASELINES[name]()


def _explained(logits: tf.Tensor, target: Target) -> tf.Tensor:
    """Return the (b,) explained values of logits (b, classes)."""
    if logits.shape[-1] == 1:
        return -logits[:, 0] if target == 0 else logits[:, 0]
    if target != "score":
        return logits[:, target]
    pneumonia = logits[:, 1] if logits.shape[-1] == 2 else tf.reduce_logsumexp(logits[:, 1:], axis=-1)
    return pneumonia - logits[:, 0]


def _fused(maps: list[tf.Tensor], grid: tuple[int, int]) -> tf.Tensor:
    """Return the mean of maps (b, h, w) of several layers, resized to one grid; each keeps its sum."""
    if len(maps) == 1:
        return maps[0]
    cells = [map_.shape[1] * map_.shape[2] / (grid[0] * grid[1]) for map_ in maps]
    resized = [tf.image.resize(map_[..., None], grid)[..., 0] for map_ in maps]
    return tf.add_n([share * map_ for share, map_ in zip(cells, resized, strict=True)]) / len(maps)
