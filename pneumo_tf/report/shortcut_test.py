"""Shortcut test: warning if models that use no lungs come near the best network of a board."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pneumo_tf.models.trivial import TRIVIAL_MODELS
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Markdown
from pneumo_tf.report.number_format import decimals_of, with_interval
from pneumo_tf.report.trivial_rows import best_trivial

CHANCE = 0.5

NEAR = 0.5
"""Share of the best network's AUC above chance that counts as near it."""


def describe_shortcuts(board: Board) -> Iterator[Markdown]:
    """Yield sentences for each protocol under which a row without lungs comes near the best network.

    A row is near if the interval of its AUC is above chance, and its AUC minus chance is at least `NEAR`
    times that of the best network.
    """
    by_protocol: dict[str, list[Row]] = defaultdict(list)
    for row in board.rows:
        if row.runs:
            by_protocol[row.protocol].append(row)
    for protocol, rows in by_protocol.items():
        best = max((row for row in rows if not row.trivial), key=_auc, default=None)
        near = [row for row in rows if best and _is_near(row, best)]
        if near:
            trivial = best_trivial(filter(_shows_lungs, rows))
            compared = [best, trivial] if trivial else [best]
            yield _describe(protocol, sorted(near, key=_auc, reverse=True), compared)


def _auc(row: Row) -> float:
    return row.estimates["auc"].value


def _shows_lungs(row: Row) -> bool:
    model = TRIVIAL_MODELS.get(row.recipe.architecture)
    return model is None or model.shows_lungs


def _is_near(row: Row, best: Row) -> bool:
    if _shows_lungs(row):
        return False
    return row.estimates["auc"].low > CHANCE and _auc(row) - CHANCE >= NEAR * (_auc(best) - CHANCE)


def _describe(protocol: str, near: Sequence[Row], compared: Sequence[Row]) -> Markdown:
    decimals = decimals_of([row.estimates["auc"] for row in (*near, compared[0])], "auc")
    named = ", ".join(f"{row.name} {with_interval(row.estimates['auc'], decimals)}" for row in near)
    others = ", ".join(f"{row.name} {with_interval(row.estimates['auc'], decimals)}" for row in compared)
    return Markdown(
        "**Shortcut test** (protocol {}): AUC of rows that use no pixel of the lungs, or hardly any: {}. For "
        "comparison, the best rows that use them: {}. The classes of these films differ in more than "
        "pneumonia, so results on this set do not show how well pneumonia is detected."
    ).format(protocol, named, others)
