"""Figure of risk–coverage curves: the error rate among the films predicted most confidently."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pneumo_tf.evaluation.risk_coverage import measure_uncertainty, risk_coverage_curve
from pneumo_tf.report.board import Board
from pneumo_tf.report.ensembles import Ensemble, ensembles
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import describe_ranked_and_folds
from pneumo_tf.report.figures.picture import Picture

COLUMNS = 5
MOST_ROWS = 30
"""Maximum number of rows on the page, in the order of the table."""

LOWEST_COVERAGE = 0.05
"""Lowest coverage that determines the scale; at a lower one, a single wrong film makes a peak."""

DISTANCE = "distance from the threshold"
SPREADS = {
    "seed": "spread over seeds",
    "fold": "spread over folds",
    "tta": "spread over views",
    "mc": "spread over dropout",
}
COLORS = dict(zip((DISTANCE, *SPREADS.values()), style.CYCLE, strict=False))


def draw_risk_coverage_curves(board: Board) -> Iterator[Picture]:
    """Draw one page of panels: the ranked rows, the best first, then rows of folds."""
    panels = [list(of_row) for _, of_row in groupby(ensembles(board), key=lambda one: one.name)][:MOST_ROWS]
    if not panels:
        return
    columns = min(COLUMNS, max(len(panels), 3))
    margins = style.Margins(0.65, 0.2, 0.95, 0.62)
    figure, axes = style.page(
        style.rows_for(len(panels), columns), columns, (1.45, 1.2), (0.4, 0.75), margins
    )
    shown: dict[str, None] = {}
    for ax, of_row in zip(axes.flat, panels, strict=False):
        shown |= dict.fromkeys(draw_risk_coverage(ax, of_row))
        ax.set_title(style.fold(of_row[0].name, 24), size=style.SMALL)
    style.drop(axes.flat[len(panels) :])
    style.label_outer(axes, len(panels), "coverage", "error rate")
    style.heading(figure, "Risk and coverage", describe_ranked_and_folds(board))
    handles = [Line2D([], [], color=COLORS[name], lw=1.2) for name in shown]
    figure.legend(handles, list(shown), loc="upper right", ncols=2)
    yield Picture(
        "risk-coverage",
        "Error rate of the test films that are kept when the least confident are left out, against the share "
        "kept (coverage): by the "
        "distance of the score from the threshold (of the mean over seeds or folds), and by the spread of "
        "several scores of each film; the first model of each row, or its first five folds. Grey: the best "
        "possible order. Scales differ between panels, and leave out peaks below a coverage of "
        f"{LOWEST_COVERAGE:.0%}. "
        "Better: lower; a level curve contains no information about errors.",
        figure,
    )


def draw_risk_coverage(ax: Axes, of_row: Sequence[Ensemble]) -> list[str]:
    """Draw the curves of one row, by distance and by each spread that it has, and return their names."""
    first = measure_uncertainty(of_row[0].groups[0])
    kept = np.arange(1, len(first.wrong) + 1) / len(first.wrong)
    ax.plot(kept, risk_coverage_curve(first.wrong, ~first.wrong), color=style.RULE, lw=1.2)
    curves = {DISTANCE: risk_coverage_curve(first.wrong, first.distance)}
    for one in of_row:
        uncertainty = measure_uncertainty(one.groups[0])
        if uncertainty.spread is not None:
            curves[SPREADS[one.kind]] = risk_coverage_curve(uncertainty.wrong, -uncertainty.spread)
    for name, curve in curves.items():
        ax.plot(kept, curve, color=COLORS[name], lw=1.2)
    ax.set_xlim(0, 1.02)
    highest = max(curve[kept >= LOWEST_COVERAGE].max() for curve in curves.values())
    ax.set_ylim(0, max(1.08 * highest, 0.01))
    style.unit_ticks(ax.xaxis)
    ax.locator_params(axis="y", nbins=3)
    return list(curves)
