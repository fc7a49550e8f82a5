"""Count the memory that training steps keep for their gradients, and write its table into `docs/speed.md`.

The count uses the traced graph, so it needs no GPU. It is a lower bound: gradients, workspaces and variables
need memory in addition.
"""

import sys
from collections.abc import Sequence

import keras

from benchmarks.command_line import ends_with_its_reader
from benchmarks.speed.step_table import run_step_table
from benchmarks.speed.traced_step import trace_step
from pneumo_tf.costs.saved_tensors import PRODUCTS, saved_bytes
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Recipe
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.training.optimizer import make_optimizer

PRECISION = "mixed_bfloat16"


def saved_megabytes(recipe: Recipe) -> tuple[float, float]:
    """Return the MB for each film in the last phase: of all kept tensors, and of inputs of products alone."""
    keras.config.set_dtype_policy(PRECISION)
    phase, side = recipe.phases[-1], recipe.size or architecture(recipe.architecture).size
    _, graph = trace_step(recipe, phase, make_optimizer(phase, 1, PRECISION), side)
    films = (saved_bytes(graph, 1, readers) - saved_bytes(graph, 0, readers) for readers in ((), PRODUCTS))
    return tuple(count / 1e6 for count in films)


def memory_table(recipes: Sequence[Recipe]) -> Markdown:
    """Return a row per recipe with a network."""
    rows = []
    for recipe in (recipe for recipe in recipes if recipe.phases):
        everything, products = saved_megabytes(recipe)
        batch = recipe.batch * everything / 1e3
        side = recipe.size or architecture(recipe.architecture).size
        figures = (f"{everything:.1f}", f"{products:.1f}", f"{recipe.batch}", f"{batch:.1f}")
        rows.append((recipe.name, str(side), *figures))
        print(f"{recipe.name}: {everything:.1f} MB per film", flush=True)
        keras.backend.clear_session()
    header = ("Recipe", "Side, px", "MB per film", "of products", "Batch", "GB per batch")
    return Table(header, rows).markdown()


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 for a usage error."""
    return run_step_table("speed.saved_memory", __doc__, "saved memory", memory_table, arguments)


if __name__ == "__main__":
    sys.exit(main())
