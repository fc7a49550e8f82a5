"""The table of operations in docs/speed.md is what the step holds today, below what Keras' own holds."""

from pathlib import Path

import pytest

from benchmarks.recipes import RECIPES
from benchmarks.speed.operations import STEPS, count_step, keras_optimizer
from pneumo_tf.training.optimizer import make_optimizer

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"


@pytest.mark.parametrize("name", ["baseline_cnn", "regularized_cnn"])
def test_the_page_has_the_counts_of_today(name):
    recipe = RECIPES[name]
    phase = recipe.phases[-1]
    variables, ours = count_step(recipe, phase, make_optimizer(phase, STEPS, "float32"))
    _, theirs = count_step(recipe, phase, keras_optimizer(phase, STEPS))
    cells = [variables, theirs.operations, ours.operations, theirs.conditions, ours.conditions]
    shown = " | ".join(f"{cell:,}" for cell in cells)
    assert f"| {name} | {shown} |" in PAGE.read_text("utf-8"), "python -m benchmarks.speed.operations"
    # What is left is the network: an update has three operations a variable at most.
    assert theirs.operations - ours.operations > 10 * variables
