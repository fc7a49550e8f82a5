"""Loss functions: one float32 value per film."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from pneumo_tf.recipe import Recipe

FilmLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def class_weights(recipe: Recipe, labels: np.ndarray) -> tuple[float, ...]:
    """Return the weights of the classes in the loss.

    Args:
        recipe: Recipe with the rule of class weights.
        labels: (n,) labels of the training films.

    Returns:
        Weight of each class, such as normal and pneumonia; 1 without class weights.
    """
    if isinstance(recipe.class_weights, tuple):
        return recipe.class_weights
    classes = max(2, recipe.head.classes)
    if recipe.class_weights == "none":
        return (1.0,) * classes
    share = {"balanced": float(classes), "inverse_frequency": 1.0}[recipe.class_weights]
    counts = np.bincount(labels, minlength=classes)
    return tuple(float(len(labels) / (share * max(1, count))) for count in counts)


def film_loss(recipe: Recipe, weights: Sequence[float] = (1.0, 1.0)) -> FilmLoss:
    """Return the loss function of a recipe.

    A single logit z is treated as the pair (0, z): the softmax of the pair is the sigmoid of z, so binary
    cross-entropy with `pos_weight` equals the weighted cross-entropy of the pair. Focal loss multiplies it by
    `(1 - p)^gamma`, p the probability of the true class (Lin et al. 2017, arXiv:1708.02002).

    Args:
        recipe: Recipe with loss, label smoothing and focusing exponent.
        weights: Weight of each class.

    Returns:
        Function from labels, (b,) int32, and logits, (b, classes), to losses, (b,) float32.
    """
    weight = tf.constant(weights, tf.float32)
    smoothing = recipe.label_smoothing

    def loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(logits, tf.float32)
        if logits.shape[-1] == 1:
            logits = tf.concat([tf.zeros_like(logits), logits], -1)
        log_probability = tf.nn.log_softmax(logits)
        classes = logits.shape[-1]
        truth = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
        terms = -truth * log_probability
        if recipe.loss == "focal":
            terms *= (1 - tf.exp(log_probability)) ** recipe.focal_gamma
        return tf.gather(weight, labels) * tf.reduce_sum(terms, -1)

    return loss
