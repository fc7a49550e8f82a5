"""From films to maps: one pass through the model for all methods that are asked for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.errors import UserError, unknown
from pneumo_tf.explain.baselines import BASELINES, Baseline
from pneumo_tf.explain.cam import METHODS, Cam, Seen
from pneumo_tf.explain.layers import check_model, choose_layers, film_in_float

Target = Literal["score", 0, 1]

METHODS_AND_BASELINES: Mapping[str, type[Cam] | type[Baseline]] = {**METHODS, **BASELINES}
"""Everything that an `Explainer` can be asked for, by name."""

_SCALE = 256.0
"""Factor on the target while its gradient flows: in float16, gradients of large layers would vanish."""


class Explainer:
    """Maps of where a model saw evidence, by one or more methods.

    Args:
        layers: Names of the explained layers.
        grid: Height and width of the maps: of the largest of these layers.

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
        """Prepares the compiled pass; it is traced at the first call.

        Args:
            model: A flat graph of grey films to one or two logits. Its weights may change later.
            methods: Keys of `METHODS` and `BASELINES`.
            layer: Layer to explain, by default the registry's for the model's architecture. Maps of several
                are fused: each is spread over the film as a density, and the mean is taken, so that no
                layer's map is stretched.
            target: `"score"`, the logit of pneumonia minus that of normal; or one class's logit, 0 normal or
                1 pneumonia. Of a single logit, 0 explains its negative.
            batch: Most films in one pass; it bounds the memory and changes nothing else.

        Raises:
            UserError: For an unknown method, layer or target, or a model that cannot be explained.
        """
        check_model(model)
        if target not in ("score", 0, 1):
            raise UserError(f'unknown target {target!r}; "score", 0 (normal) or 1 (pneumonia)')
        self.layers = choose_layers(model, layer)
        outputs = [model.get_layer(name).output for name in self.layers]
        self.grid = max((tuple(output.shape[1:3]) for output in outputs), key=np.prod)
        made = {name: _method(name) for name in methods}
        self._cams = {name: item for name, item in made.items() if isinstance(item, Cam)}
        self._baselines = {name: item for name, item in made.items() if isinstance(item, Baseline)}
        self._order, self._batch, self._target = tuple(made), batch, target
        self._side = model.inputs[0].shape[1]
        # From the film in floating point: everything above it is recorded, be its weights frozen or not.
        self._inner = keras.Model(film_in_float(model), [*outputs, model.outputs[0]])
        films = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.uint8)
        self._pass = tf.function(self._maps_of, input_signature=[films])

    def __call__(self, films: np.ndarray) -> dict[str, np.ndarray]:
        """Explains films.

        Args:
            films: (n, side, side) uint8.

        Returns:
            For each method, in the order asked for, (n, *grid) float32, 0 or more, not normalised; all 0
            where nothing in the film speaks for the target.

        Raises:
            UserError: For films of another size or kind than the model's.
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
        down_to_film = any(cam.of_pixels for cam in self._cams.values())
        gradients = tape.gradient(scaled, [*features, *([pixels] if down_to_film else [])])
        gradients = [tf.cast(gradient, tf.float32) / _SCALE for gradient in gradients]
        pixel_gradient = gradients.pop() if down_to_film else None
        seen = [
            Seen(tf.cast(feature, tf.float32), gradient, pixels, pixel_gradient, self._target_of)
            for feature, gradient in zip(features, gradients, strict=True)
        ]
        return {
            name: _fused([cam.map(layer) for layer in seen], self.grid) for name, cam in self._cams.items()
        }

    def _target_of(self, pixels: tf.Tensor) -> tf.Tensor:
        return tf.cast(_explained(self._inner(pixels, training=False)[-1], self._target), tf.float32)


def scorer(model: keras.Model, *, batch: int = 64) -> Callable[[np.ndarray], np.ndarray]:
    """Gives the function that the faithfulness tests call: films (n, side, side) uint8 → (n,) scores."""
    check_model(model)
    films = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.uint8)
    scores = tf.function(lambda films: _explained(model(films, training=False), "score"), [films])

    def of(films: np.ndarray) -> np.ndarray:
        starts = range(0, len(films), batch)
        parts = [scores(tf.constant(films[start : start + batch, ..., None])).numpy() for start in starts]
        return np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float64)

    return of


def _method(name: str) -> Cam | Baseline:
    if name not in METHODS_AND_BASELINES:
        raise unknown("method", name, METHODS_AND_BASELINES)
    return METHODS_AND_BASELINES[name]()


def _explained(logits: tf.Tensor, target: Target) -> tf.Tensor:
    """The (b,) target of logits (b, 1 or 2)."""
    if logits.shape[-1] == 1:
        return -logits[:, 0] if target == 0 else logits[:, 0]
    return logits[:, 1] - logits[:, 0] if target == "score" else logits[:, target]


def _fused(maps: list[tf.Tensor], grid: tuple[int, int]) -> tf.Tensor:
    """The mean of maps (b, h, w) of several layers on one grid, in that grid's units per cell."""
    if len(maps) == 1:
        return maps[0]
    cells = [map_.shape[1] * map_.shape[2] / (grid[0] * grid[1]) for map_ in maps]
    resized = [tf.image.resize(map_[..., None], grid)[..., 0] for map_ in maps]
    return tf.add_n([share * map_ for share, map_ in zip(cells, resized, strict=True)]) / len(maps)
