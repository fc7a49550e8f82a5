"""Grad-CAM: the regions of a film that raise its score."""

import keras
import numpy as np
import tensorflow as tf

from pneumo_tf.errors import unknown


class GradCam:
    """Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) of the pneumonia score, in batches.

    The map is `relu(sum_k a_k A_k)`: A_k the channels of a convolutional layer, a_k the mean over the map of
    the gradient of the score with respect to A_k, in float32 whatever the model's policy.

    Example:
        >>> maps = pneumo_tf.explain.grad_cam.GradCam(model, "relu")(films)
    """

    def __init__(self, model: keras.Model, layer: str) -> None:
        """Prepares the compiled function.

        Args:
            model: A flat graph of uint8 films to logits.
            layer: Name of a layer whose output is (b, h, w, channels).

        Raises:
            UserError: Where the model has no such layer, or its output has no height and width.
        """
        names = [item.name for item in model.layers]
        if layer not in names:
            raise unknown("layer", layer, names)
        output = model.get_layer(layer).output
        if len(output.shape) != 4:
            spatial = [item.name for item in model.layers if len(item.output.shape) == 4]
            raise unknown("layer with height and width", layer, spatial)
        self._inner = keras.Model(model.inputs, [output, model.output])
        self._maps = tf.function(self._trace, reduce_retracing=True)

    def __call__(self, films: np.ndarray) -> np.ndarray:
        """Explains films.

        Args:
            films: (b, side, side) uint8.

        Returns:
            (b, h, w) float32, at least 0, at the layer's resolution, not normalised; all 0 where nothing in
            the film raises the score.
        """
        return self._maps(tf.constant(films[..., None])).numpy()

    def _trace(self, films: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            features, logits = self._inner(films, training=False)
            tape.watch(features)
            score = logits[:, 1] - logits[:, 0] if logits.shape[-1] == 2 else logits[:, 0]
        gradient = tf.cast(tape.gradient(score, features), tf.float32)
        weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * tf.cast(features, tf.float32), axis=-1))
