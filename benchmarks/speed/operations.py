"""Count the operations of a training step, and write their table into `docs/speed.md`.

Each is a kernel launch on a GPU; with small batches, launches and not arithmetic limit the speed of a step.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from benchmarks.command_line import ends_with_its_reader
from benchmarks.speed.step_table import run_step_table
from benchmarks.speed.traced_step import trace_step
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.training.optimizer import make_optimizer

SIDE, STEPS = 64, 100
"""Least side of the films, and steps of a schedule; neither changes a count."""

CONDITIONS = ("If", "StatelessIf", "While", "StatelessWhile")
INPUTS = ("Placeholder", "Const", "NoOp", "Identity")
"""Types of operations that compute nothing."""


class StepCount(NamedTuple):
    """Numbers of operations in a traced step.

    Args:
        operations: Operations that compute something, including those in functions.
        conditions: Number of these operations that are branches or loops.
    """

    operations: int
    conditions: int


def count_step(recipe: Recipe, phase: Phase, optimizer: keras.optimizers.Optimizer) -> tuple[int, StepCount]:
    """Trace a training step of a phase; return the number of trained variables and of operations."""
    side = max(SIDE, architecture(recipe.architecture).minimum_size)
    variables, graph = trace_step(recipe, phase, optimizer, side)
    types = [node.op for node in _nodes(graph.as_graph_def())]
    conditions = sum(kind in CONDITIONS for kind in types)
    return variables, StepCount(sum(kind not in INPUTS for kind in types), conditions)


def keras_optimizer(phase: Phase, steps: int) -> keras.optimizers.Optimizer:
    """Return the optimiser and schedule of a phase as built into Keras."""
    rate, warmup, schedules = phase.learning_rate, phase.warmup_steps, keras.optimizers.schedules
    if phase.schedule == "cosine":
        start, target = (0.0, rate) if warmup else (rate, None)
        rate = schedules.CosineDecay(start, steps - warmup, warmup_target=target, warmup_steps=warmup)
    elif warmup:
        rate = schedules.PolynomialDecay(0.0, warmup, end_learning_rate=rate)
    decay = phase.weight_decay or None
    if phase.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=phase.momentum, weight_decay=decay)
    if phase.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=phase.weight_decay)
    return keras.optimizers.Adam(rate, weight_decay=decay)


def operations_table(recipes: Sequence[Recipe]) -> Markdown:
    """Return a row per recipe with a network: its last phase with the optimiser of Keras and ours."""
    rows = []
    for recipe in (recipe for recipe in recipes if recipe.phases):
        phase = recipe.phases[-1]
        variables, ours = count_step(recipe, phase, make_optimizer(phase, STEPS, "float32"))
        _, theirs = count_step(recipe, phase, keras_optimizer(phase, phase.epochs * STEPS))
        share = f"{ours.operations / theirs.operations:.2f}"
        counts = (theirs.operations, ours.operations, theirs.conditions, ours.conditions)
        rows.append((recipe.name, f"{variables:,}", *(f"{count:,}" for count in counts), share))
        print(f"{recipe.name}: {theirs.operations:,} → {ours.operations:,}", flush=True)
        keras.backend.clear_session()
    header = ("Recipe", "Variables", "Operations, Keras", "ours", "Conditions, Keras", "ours", "Share")
    return Table(header, rows).markdown()


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    return run_step_table("speed.operations", __doc__, "operations", operations_table, arguments)


def _nodes(definition: tf.compat.v1.GraphDef) -> Iterator[tf.compat.v1.NodeDef]:
    yield from definition.node
    for function in definition.library.function:
        yield from function.node_def


if __name__ == "__main__":
    sys.exit(main())
