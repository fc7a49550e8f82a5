"""Figure of AUC against cost: operations, latency of one film, training time."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, comparable
from pneumo_tf.report.figures.operating_curves import format_estimate
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.tables.cost_columns import mean_cost
from pneumo_tf.report.trivial_rows import best_trivial

MARKERS = dict(zip(style.DASHES, "os^D", strict=True))
MARGIN = 1.4
"""Factor by which an axis extends beyond its points."""

TICKS = ((1,), (1, 3), (1, 2, 5), (1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9))
"""Choices of ticks within a decade, from few to many."""


class Cost(NamedTuple):
    """A cost, the horizontal axis of a panel.

    Args:
        title: Label of the axis, with the unit.
        read: Function from a row to its cost, None if it was not measured.
    """

    title: str
    read: Callable[[Row], float | None]


COSTS = (
    Cost(
        "GFLOPs per film", lambda row: _scaled(mean_cost(row, lambda cost: cost.get("flops_per_film")), 1e9)
    ),
    Cost("latency of one film (ms)", lambda row: mean_cost(row, lambda cost: cost.get("latency_ms"))),
    Cost("training (s)", lambda row: mean_cost(row, lambda cost: cost.get("seconds", {}).get("train"))),
)


def draw_auc_against_cost(board: Board) -> Iterator[Picture]:
    """Draw one page per protocol with a cost that at least two rows measured."""
    for group in comparable(board):
        panels = [cost for cost in COSTS if len(_priced(group, cost)) > 1]
        if panels:
            yield _page(group, panels)


def pareto_front(cost: Sequence[float], value: Sequence[float]) -> list[int]:
    """Return the Pareto front: points that no other point beats in cost or value without losing in the other.

    Args:
        cost: (n,) less is better.
        value: (n,) more is better.

    Returns:
        Indices of the points, the cheapest first.
    """
    front: list[int] = []
    for index in sorted(range(len(cost)), key=lambda i: (cost[i], -value[i])):
        if not front or value[index] > value[front[-1]]:
            front.append(index)
    return front


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _priced(group: Comparable, cost: Cost) -> list[int]:
    """Return the indices of trained rows with an AUC and with this cost."""
    return [
        index
        for index, row in enumerate(group.rows)
        if not row.trivial and np.isfinite(row.estimates["auc"].value) and cost.read(row) is not None
    ]


def _page(group: Comparable, panels: Sequence[Cost]) -> Picture:
    shown = sorted({index for cost in panels for index in _priced(group, cost)})
    names = [style.elide(group.rows[index].name, 36) for index in shown]
    side = max(2.5, 0.175 * (len(names) + 1) + 0.2)
    margins = style.Margins(0.6, style.inches(names) + 1.75, 0.6, 0.62)
    figure, axes = style.page(1, len(panels), (2.5, side), (0.25, 0.3), margins)
    for ax, cost in zip(axes[0], panels, strict=True):
        _scatter(ax, group, _priced(group, cost), cost)
        ax.sharey(axes[0, 0])
        ax.tick_params(labelleft=ax is axes[0, 0])
    axes[0, 0].set_ylabel("AUC")
    _legend(axes[0, -1], group, shown, names)
    style.heading(figure, "AUC against cost", group.scope)
    return Picture(
        f"cost-{group.protocol}",
        "AUC on the test films with its 95 % interval against what a row costs, means over runs, on "
        "logarithmic axes. Better: upper left. The line is the Pareto front: rows than which no other is "
        "both cheaper and better; where intervals overlap widely, being on it is due to chance. Dashes: "
        "the best trivial row, whose cost is negligible. Times are of the devices that the tables of "
        "costs name, and compare on the same one only.",
        figure,
        group.note,
    )


def _scatter(ax: Axes, group: Comparable, priced: Sequence[int], cost: Cost) -> None:
    costs = [cost.read(group.rows[index]) for index in priced]
    estimates = [group.rows[index].estimates["auc"] for index in priced]
    front = pareto_front(costs, [estimate.value for estimate in estimates])
    ax.step(
        [costs[at] for at in front],
        [estimates[at].value for at in front],
        where="post",
        color=style.QUIET,
        lw=0.9,
        zorder=1,
    )
    for at, index in enumerate(priced):
        stroke, estimate = group.strokes[index], estimates[at]
        ax.plot((costs[at], costs[at]), (estimate.low, estimate.high), color=stroke.color, lw=1.2, alpha=0.6)
        ax.plot(costs[at], estimate.value, MARKERS[stroke.linestyle], color=stroke.color, ms=5.5, mec="white")
    if (trivial := best_trivial(group.rows)) is not None:
        ax.axhline(trivial.estimates["auc"].value, color=style.QUIET, ls=style.DASHES[1], lw=1.0, zorder=0)
    low, high = min(costs) / MARGIN, max(costs) * MARGIN
    ax.set(xscale="log", xlim=(low, high), xlabel=cost.title)
    ticks = _ticks(low, high)
    ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    ax.minorticks_off()
    ax.grid()


def _ticks(low: float, high: float) -> list[float]:
    """Return at least three round numbers within the limits of a logarithmic axis."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in TICKS:
        ticks = [step * 10.0**power for power in powers for step in steps]
        found = [tick for tick in ticks if low <= tick <= high]
        if len(found) > 2:
            break
    return found


def _legend(beside: Axes, group: Comparable, shown: Sequence[int], names: Sequence[str]) -> None:
    strokes = [group.strokes[index] for index in shown]
    handles = [
        beside.plot([], [], MARKERS[stroke.linestyle], color=stroke.color, ms=5.5)[0] for stroke in strokes
    ]
    labels = [
        f"{format_estimate(group.rows[index].estimates['auc'])}  {name}"
        for index, name in zip(shown, names, strict=True)
    ]
    if (trivial := best_trivial(group.rows)) is not None:
        handles += beside.plot([], [], color=style.QUIET, ls=style.DASHES[1], lw=1.0)
        labels.append(f"{format_estimate(trivial.estimates['auc'])}  {style.elide(trivial.name, 36)}")
    style.legend_beside(beside, handles, labels, handlelength=1.6)
