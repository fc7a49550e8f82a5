"""The table of choices that were made where the authors of a recipe state nothing."""

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table

LEAD = "Settings that the authors do not state, as chosen here."


def choices_table(board: Board) -> Table:
    """Return a table with a line for each recipe that needed choices."""
    chosen = {row.recipe.name: row.recipe.chosen for row in board.rows if row.recipe.chosen}
    return Table(("Recipe", "Chosen"), [(f"**{name}**", chosen[name]) for name in sorted(chosen)], left=2)
