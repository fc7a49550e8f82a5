"""The table of choices: what the authors of a recipe do not state and was chosen here."""

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table

LEAD = "What authors do not state, and what was chosen for it."


def choices_table(board: Board) -> Table:
    """A line for each recipe with choices of our own."""
    chosen = {row.recipe.name: row.recipe.chosen for row in board.rows if row.recipe.chosen}
    return Table(("Recipe", "Chosen"), [(f"**{name}**", chosen[name]) for name in sorted(chosen)], left=2)
