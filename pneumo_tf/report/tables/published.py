"""Tables of published figures next to ours, one for each family of systems; never ranked."""

from collections import defaultdict
from collections.abc import Sequence

from pneumo_tf.errors import unknown
from pneumo_tf.evaluation.metrics import METRICS, metrics_from_counts
from pneumo_tf.recipe import Published, Recipe
from pneumo_tf.report.board import OFFICIAL, Board, Row
from pneumo_tf.report.markdown import Markdown, Table, join_parts
from pneumo_tf.report.number_format import DASH, decimals_of, format_number, with_sd
from pneumo_tf.report.tables.metric_columns import explain_dashes

ALWAYS = ("auc", "accuracy", "sensitivity", "specificity", "f1")
"""Metrics that are always shown, whether or not authors printed them."""

LEAD = (
    "What authors printed was often computed on other images than the test folder, so it is shown and never "
    "ranked."
)


def published_tables(board: Board) -> list[Table]:
    """Return a table for each family that has published figures or runs under a published protocol.

    Rows of folds have a table of their own.
    """
    families: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in board.rows:
        if not row.cross_validated:
            families[row.recipe.family or "Other"][row.recipe.name].append(row)
    found = []
    for title in sorted(families):
        recipes = [rows for _, rows in sorted(families[title].items()) if _comparable(rows)]
        if recipes:
            found.append(_table(title, recipes))
    return found


def _comparable(rows: Sequence[Row]) -> bool:
    return any(row.recipe.published or (row.runs and row.protocol != OFFICIAL) for row in rows)


def _table(title: str, recipes: Sequence[Sequence[Row]]) -> Table:
    """Return a table with a line for each finished row and each published figure, recipe by recipe."""
    done = [row for rows in recipes for row in rows if row.runs]
    printed = [figure for rows in recipes for figure in _published(rows[0].recipe)]
    names = [name for name in METRICS if name in ALWAYS or any(name in figure.metrics for figure in printed)]
    decimals = {name: decimals_of([row.estimates[name] for row in done], name) for name in names}
    lines = []
    for rows in recipes:
        for row in (row for row in rows if row.runs):
            shown = [with_sd(row.estimates[name], decimals[name]) for name in names]
            lines.append((f"**{row.name}**", f"ours, {_protocol_and_seeds(row)}", *shown))
        if not any(row.runs for row in rows):
            lines.append((f"**{rows[0].name}**", "ours: no run is done", *[DASH] * len(names)))
        for figure in _published(rows[0].recipe):
            lines.append(("", f"published, {figure.on}", *_printed(figure, names)))
    notes = [f"*italic*: computed here from the printed confusion matrix; {DASH} not printed."]
    notes += explain_dashes(done, names)
    header = ["Recipe", "Images", *(METRICS[name].title for name in names)]
    sources = dict.fromkeys(row.recipe.source for rows in recipes for row in rows if row.recipe.source)
    lead = join_parts(map(Markdown.escape, sources))
    return Table(header, lines, notes, left=2, title=title, lead=lead)


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
    """Format with two to four decimals, since trailing zeros of the print are unknown."""
    whole, decimals = f"{value:.4f}".split(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _protocol_and_seeds(row: Row) -> str:
    protocol = "official test" if row.protocol == OFFICIAL else f"protocol {row.protocol}"
    seeds = "1 seed" if len(row.specs) == 1 else f"{len(row.specs)} seeds"
    return f"{protocol}, {seeds}"
