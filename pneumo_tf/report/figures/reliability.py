"""Figure of reliability diagrams, before and after temperature scaling."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.evaluation.calibration import fit_temperature, measure_calibration, reliability_curve
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import describe_ranked_and_folds
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.tuned import TUNED_ON, TunedModels, tuned_models

COLUMNS = 5
MOST_ROWS = 30
"""Maximum number of rows on the page, best first."""


def draw_reliability_diagrams(board: Board) -> Iterator[Picture]:
    """Draw one page of panels: the ranked rows, the best first, then rows of folds."""
    rows = tuned_models(board)[:MOST_ROWS]
    if not rows:
        return
    columns = min(COLUMNS, max(len(rows), 3))
    margins = style.Margins(0.65, 0.2, 0.95, 0.62)
    figure, axes = style.page(
        style.rows_for(len(rows), columns), columns, (1.45, 1.45), (0.25, 0.75), margins
    )
    for at, (ax, row) in enumerate(zip(axes.flat, rows, strict=False)):
        draw_reliability_diagram(ax, row)
        ax.tick_params(labelleft=at % columns == 0)
    style.drop(axes.flat[len(rows) :])
    style.label_outer(axes, len(rows), "probability of pneumonia", "share of pneumonia")
    style.heading(figure, "Reliability, first model of each row", describe_ranked_and_folds(board))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper right", ncols=2)
    yield Picture(
        "reliability",
        "Test films in ten bins of equal mass: the share that is pneumonia against the mean probability "
        "predicted, first model of each row, with the ECE before → after temperature scaling, fitted "
        f"{board.wording.write(TUNED_ON)}. Better: on the diagonal. Below it probabilities are too high; "
        "grey bars: two standard deviations of the share that calibrated probabilities would have by chance.",
        figure,
    )


def draw_reliability_diagram(ax: Axes, row: TunedModels) -> None:
    """Draw the first model of a row, before and after temperature scaling."""
    run, fixed_on = row.test[0], row.tuning[0]
    temperature = fit_temperature(fixed_on.labels, fixed_on.score)
    ax.plot((0, 1), (0, 1), color=style.RULE, lw=1, zorder=0)
    raw, scaled = (reliability_curve(run.labels, score) for score in (run.score, run.score / temperature))
    reach = 2 * raw.spread
    low, high = np.clip(raw.probability - reach, 0, 1), np.clip(raw.probability + reach, 0, 1)
    ax.vlines(raw.probability, low, high, color="#cccccc", lw=2.5, zorder=0)
    ax.plot(scaled.probability, scaled.observed, "o-", color=style.NORMAL, ms=3, lw=0.9, label="scaled")
    ax.plot(raw.probability, raw.observed, "o-", color=style.PNEUMONIA, ms=3, lw=0.9, label="unscaled")
    before, after = (
        measure_calibration(run.labels, score).ece for score in (run.score, run.score / temperature)
    )
    ax.set_title(f"{style.fold(row.name, 24)}\nECE {before:.3f} → {after:.3f}", size=style.SMALL)
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.03, 1.03)
    style.unit_ticks(ax.xaxis, ax.yaxis)
