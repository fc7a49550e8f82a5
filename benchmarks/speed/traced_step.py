"""Graph of a training step, to count what it holds without running it."""

import keras
import tensorflow as tf

from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.step import TrainingStep
from pneumo_tf.training.trainable import set_trainable


def trace_step(
    recipe: Recipe, phase: Phase, optimizer: keras.optimizers.Optimizer, side: int
) -> tuple[int, tf.Graph]:
    """Trace the step of a phase under the global dtype policy, for batches of any length.

    Args:
        recipe: Recipe with architecture, head and loss.
        phase: Phase with the trained part.
        optimizer: Optimiser of the step.
        side: Side of the films in pixels.

    Returns:
        The number of trained variables, and the graph.
    """
    model = build(recipe.architecture, head=recipe.head, size=side)
    variables = set_trainable(model, architecture(recipe.architecture), phase)
    step = TrainingStep(model, variables, optimizer, film_loss(recipe), l2=phase.l2)
    batch = tf.TensorSpec((None, side, side, 1), tf.uint8), tf.TensorSpec((None,), tf.int32)
    traced = tf.function(step.function.plain, input_signature=batch).get_concrete_function()
    return len(variables), traced.graph
