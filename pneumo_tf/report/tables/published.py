"""What the authors of each system published, beside what the same recipe scores here; never ranked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pneumo_tf.errors import unknown
from pneumo_tf.evaluation.metrics import METRICS, metrics_from_counts
from pneumo_tf.recipe import Published, Recipe
from pneumo_tf.report.board import OFFICIAL, Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, decimals_of, format_number, with_sd
from pneumo_tf.report.tables.metrics import undefined

ALWAYS = ("auc", "accuracy", "sensitivity", "specificity", "f1")


@dataclass(frozen=True)
class Family:
    """Recipes of one origin.

    Args:
        title: The family.
        sources: Where the recipes are from, each once.
        table: Ours and theirs, line by line.
    """

    title: str
    sources: tuple[str, ...]
    table: Table


def families(board: Board) -> list[Family]:
    """Every family with something to compare: published figures, or runs under a published protocol.

    Rows of folds have a table of their own.
    """
    recipes: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in board.rows:
        if not row.cross_validated:
            recipes[row.recipe.family or "Other"][row.recipe.name].append(row)
    found = []
    for title in sorted(recipes):
        told = [rows for _, rows in sorted(recipes[title].items()) if _comparable(rows)]
        if told:
            sources = dict.fromkeys(row.recipe.source for rows in told for row in rows if row.recipe.source)
            found.append(Family(title, tuple(sources), _table(told)))
    return found


def _comparable(rows: Sequence[Row]) -> bool:
    return any(row.recipe.published or (row.runs and row.protocol != OFFICIAL) for row in rows)


def _table(recipes: Sequence[Sequence[Row]]) -> Table:
    done = [row for rows in recipes for row in rows if row.runs]
    printed = [figure for rows in recipes for figure in _published(rows[0].recipe)]
    names = [name for name in METRICS if name in ALWAYS or any(name in figure.metrics for figure in printed)]
    decimals = {name: decimals_of([row.estimates[name] for row in done], name) for name in names}
    lines = []
    for rows in recipes:
        for row in (row for row in rows if row.runs):
            shown = [with_sd(row.estimates[name], decimals[name]) for name in names]
            lines.append((f"**{row.name}**", f"ours, {_where(row)}", *shown))
        if not any(row.runs for row in rows):
            lines.append((f"**{rows[0].name}**", "ours: no run is done", *[DASH] * len(names)))
        for figure in _published(rows[0].recipe):
            lines.append(("", f"published, {figure.on}", *_printed(figure, names)))
    notes = [f"*italic*: computed here from the confusion matrix that was printed; {DASH} not printed."]
    notes += undefined(done, names)
    return Table(["Recipe", "Images", *(METRICS[name].title for name in names)], lines, notes, left=2)


def _published(recipe: Recipe) -> tuple[Published, ...]:
    for figure in recipe.published:
        for name in figure.metrics:
            if name not in METRICS:
                raise unknown(f"published metric of {recipe.name}", name, METRICS)
    return recipe.published


def _printed(figure: Published, names: Sequence[str]) -> list[str]:
    derived = metrics_from_counts(figure.confusion) if figure.confusion else {}
    cells = []
    for name in names:
        if name in figure.metrics:
            cells.append(_as_printed(figure.metrics[name]))
        else:
            value = format_number(derived.get(name), METRICS[name].digits)
            cells.append(value if value == DASH else f"*{value}*")
    return cells


def _as_printed(value: float) -> str:
    """At most four decimals and at least two: which zeros were printed is not known."""
    whole, decimals = f"{value:.4f}".split(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _where(row: Row) -> str:
    protocol = "official test" if row.protocol == OFFICIAL else f"protocol {row.protocol}"
    return f"{protocol}, {len(row.specs)} seeds".replace(" 1 seeds", " 1 seed")
