"""Class activation maps: each method is one formula on activations and gradients of one layer.

Maps are 0 or more and not normalised; a map is 0 everywhere if nothing in the film is evidence for the
target.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import tensorflow as tf


class Activations(NamedTuple):
    """Activations and gradients of one layer for b films, all float32.

    Args:
        features: (b, h, w, c) output A of the layer.
        gradient: (b, h, w, c) gradient G of the target with respect to A.
        pixels: (b, side, side, 1) films, grey levels 0–255.
        pixel_gradient: (b, side, side, 1) gradient with respect to the films; None unless a method needs it.
        target: Function from films like `pixels` to the (b,) target.
    """

    features: tf.Tensor
    gradient: tf.Tensor
    pixels: tf.Tensor
    pixel_gradient: tf.Tensor | None
    target: Callable[[tf.Tensor], tf.Tensor]


class Cam:
    """Base class of methods."""

    title: ClassVar[str]
    needs_pixel_gradient: ClassVar[bool] = False
    """True if the method needs the gradient with respect to the film."""

    def map(self, activations: Activations) -> tf.Tensor:
        """Return the maps of a batch, (b, h, w) float32, 0 or more."""
        raise NotImplementedError


class GradCam(Cam):
    """`relu(sum_k mean(G_k) A_k)` (Selvaraju et al. 2017, arXiv:1610.02391)."""

    title = "Grad-CAM"

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        return _weighted(activations.features, tf.reduce_mean(activations.gradient, axis=(1, 2)))


class GradCamPlusPlus(Cam):
    """`relu(sum_k w_k A_k)`, `w_k = sum(a_k relu(G_k))`, `a_k = G_k² / (2 G_k² + sum(A_k) G_k³)`.

    Chattopadhyay et al. 2018, arXiv:1710.11063. As in the paper, the target is the exponent of an
    exponential, so that its higher derivatives are powers of the first. The exponential itself, one positive
    factor per film, is left out, so that the maps of all films have the same scale.
    """

    title = "Grad-CAM++"

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        total = tf.reduce_sum(activations.features, axis=(1, 2), keepdims=True)
        # Numerator and denominator are divided by G²: cubes of small gradients underflow in float32.
        share = tf.math.divide_no_nan(1.0, 2.0 + total * activations.gradient)
        return _weighted(
            activations.features, tf.reduce_sum(share * tf.nn.relu(activations.gradient), axis=(1, 2))
        )


class HiResCam(Cam):
    """`relu(sum_k G_k A_k)`, element by element (Draelos & Carin 2020, arXiv:2011.08891).

    It marks exactly the places that a linear head after the layer uses; with global average pooling and one
    dense layer it equals Grad-CAM.
    """

    title = "HiResCAM"

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        return tf.nn.relu(tf.reduce_sum(activations.gradient * activations.features, axis=-1))


class LayerCam(Cam):
    """`relu(sum_k relu(G_k) A_k)`, element by element; also suited to earlier layers.

    Jiang et al. 2021, doi:10.1109/TIP.2021.3089943.
    """

    title = "LayerCAM"

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        return tf.nn.relu(tf.reduce_sum(tf.nn.relu(activations.gradient) * activations.features, axis=-1))


class EigenCam(Cam):
    """Projection of A on its first right singular vector (Muhammad & Yeasin 2020, arXiv:2008.00299).

    It shows the strongest activations and does not depend on the target. The sign of a singular vector is
    arbitrary: the one that makes the map's sum positive is used.
    """

    title = "EigenCAM"

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        height, width, channels = activations.features.shape[1:]
        cells = tf.reshape(activations.features, (-1, height * width, channels))
        # Both Gram matrices give the projection; decompose the smaller one.
        if height * width <= channels:
            values, vectors = _decompose(tf.matmul(cells, cells, transpose_b=True))
            projected = vectors[:, :, -1] * tf.sqrt(tf.nn.relu(values[:, -1:]))
        else:
            _, vectors = _decompose(tf.matmul(cells, cells, transpose_a=True))
            projected = tf.linalg.matvec(cells, vectors[:, :, -1])
        sign = tf.sign(tf.reduce_sum(projected, axis=1, keepdims=True))
        return tf.nn.relu(tf.reshape(sign * projected, (-1, height, width)))


class ScoreCam(Cam):
    """`relu(sum_k w_k A_k)`, `w_k` = target of the film masked by A_k minus target of a black film.

    Wang et al. 2020, arXiv:1910.01279, with the increase in confidence of its definition 3. The softmax over
    channels of its algorithm 1 is left out: it makes every weight positive, so a film without evidence would
    have a map like any other. Takes one forward pass per channel and film.
    """

    title = "Score-CAM"
    MASKS = 32
    """Number of masked films in one forward pass."""

    def map(self, activations: Activations) -> tf.Tensor:
        """See `Cam.map`."""
        scores = tf.map_fn(
            lambda film: self._masked_scores(activations.target, *film),
            (activations.pixels, activations.features),
            fn_output_signature=tf.float32,
            parallel_iterations=1,
        )
        black = activations.target(tf.zeros_like(activations.pixels[:1]))
        return _weighted(activations.features, scores - black)

    def _masked_scores(
        self, target: Callable[[tf.Tensor], tf.Tensor], film: tf.Tensor, features: tf.Tensor
    ) -> tf.Tensor:
        """Return the (c,) targets of a film (side, side, 1) under masks from its features (h, w, c)."""
        height, width, channels = features.shape
        low, high = tf.reduce_min(features, axis=(0, 1)), tf.reduce_max(features, axis=(0, 1))
        masks = tf.transpose(tf.math.divide_no_nan(features - low, high - low), (2, 0, 1))
        passes = -(-channels // self.MASKS)
        masks = tf.pad(masks, ((0, passes * self.MASKS - channels), (0, 0), (0, 0)))

        def score(some: tf.Tensor) -> tf.Tensor:
            return target(film * tf.image.resize(some, film.shape[:2]))

        masks = tf.reshape(masks, (passes, self.MASKS, height, width, 1))
        scores = tf.map_fn(score, masks, fn_output_signature=tf.float32, parallel_iterations=1)
        return tf.reshape(scores, (-1,))[:channels]


def _decompose(matrices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return eigenvalues and eigenvectors of symmetric matrices, decomposed on the CPU.

    On a GPU, cuSolver bypasses TensorFlow's allocator, and a full card would abort the process.
    """
    with tf.device("CPU:0"):
        return tf.linalg.eigh(matrices)


def _weighted(features: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return `relu(sum_k w_k A_k)` of features (b, h, w, c) and weights (b, c)."""
    return tf.nn.relu(tf.reduce_sum(features * weights[:, None, None, :], axis=-1))


METHODS: Mapping[str, type[Cam]] = {
    "grad_cam": GradCam,
    "grad_cam_plus_plus": GradCamPlusPlus,
    "hires_cam": HiResCam,
    "layer_cam": LayerCam,
    "score_cam": ScoreCam,
    "eigen_cam": EigenCam,
}
"""Methods by name."""
