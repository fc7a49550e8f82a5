"""Figure of decision curves: net benefit against the probability above which a film is predicted positive."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.evaluation.net_benefit import net_benefit, net_benefit_of_all
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, groups_to_compare
from pneumo_tf.report.figures.picture import Picture

GRID = np.linspace(0.01, 0.99, 99)
RARE = 0.1
"""Prevalence of the second panel."""

LOWEST = 0.25
"""Net benefit below 0 that is shown, as a share of the highest."""


def draw_decision_curves(board: Board) -> Iterator[Picture]:
    """Draw one page per protocol with two rows or more, at the class mix of the films and at another."""
    for group in groups_to_compare(board):
        share = float(group.rows[0].test[0].labels.mean())
        if share in (0.0, 1.0):
            continue
        names = [style.elide(row.name, 36) for row in group.rows]
        height = max(2.9, 0.175 * (len(names) + 1) + 0.2)
        figure, axes = style.page(
            1, 2, (3.1, height), (0.55, 0.3), style.Margins(0.6, style.inches(names) + 0.9, 0.72, 0.62)
        )
        mixes = (
            (None, share, f"{share:.0%} pneumonia, as in these films"),
            (RARE, RARE, f"{RARE:.0%} pneumonia"),
        )
        for ax, (prevalence, mix, title) in zip(axes[0], mixes, strict=True):
            _draw(ax, group, prevalence, mix)
            ax.set_title(title)
            ax.set_xlabel("threshold of the probability")
        axes[0][0].set_ylabel("net benefit, for 100 films")
        handles = [axes[0][1].plot([], [], **_pen(stroke))[0] for stroke in group.strokes]
        handles += axes[0][1].plot([], [], color=style.QUIET, ls=(0, (4, 2)), lw=1)
        style.legend_beside(axes[0][1], handles, [*names, "all positive"], handlelength=2.6)
        style.heading(figure, "Decision curves", group.scope)
        yield Picture(
            f"decision-{group.protocol}",
            "Net benefit (Vickers & Elkin 2006) if films above a probability are predicted positive: "
            "pneumonia found, minus false alarms weighted by the odds of the threshold, for 100 films; means "
            "over the runs of a row, probabilities as predicted by the model, on the right adjusted to the "
            "prevalence. "
            "Dashes: all films positive; 0: none; trivial rows are grey. Better: higher; a model "
            "below 0 or the dashes does harm there.",
            figure,
            group.note,
        )


def mean_net_benefit(row: Row, prevalence: float | None) -> np.ndarray:
    """Return the net benefit at each probability of `GRID`, (99,), the mean over the runs of a row."""
    once = (np.ones((1, len(run))) for run in row.test)
    found = [net_benefit(run, GRID, one, prevalence)[:, 0] for run, one in zip(row.test, once, strict=True)]
    return np.mean(found, axis=0)


def _draw(ax: Axes, group: Comparable, prevalence: float | None, mix: float) -> None:
    for row, stroke in zip(group.rows, group.strokes, strict=True):
        ax.plot(GRID, 100 * mean_net_benefit(row, prevalence), **_pen(stroke))
    ax.plot(GRID, 100 * net_benefit_of_all(mix, GRID), color=style.QUIET, ls=(0, (4, 2)), lw=1)
    ax.axhline(0, color=style.RULE, lw=1)
    ax.set(xlim=(0, 1), ylim=(-LOWEST * 100 * mix, 105 * mix))
    ax.grid()


def _pen(stroke: style.Stroke) -> dict[str, object]:
    return {"color": stroke.color, "ls": stroke.linestyle, "lw": stroke.linewidth}
