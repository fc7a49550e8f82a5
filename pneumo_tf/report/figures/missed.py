"""Figure of false negatives and false positives of each row, compared with a reference row."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.evaluation.metrics import count_outcomes
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, groups_to_compare
from pneumo_tf.report.figures.picture import Picture


def mean_errors(row: Row) -> tuple[float, float]:
    """Return false negatives and false positives, means over the runs of a row."""
    counts = np.mean([count_outcomes(run.labels, run.score) for run in row.test], axis=0)
    return float(counts[2]), float(counts[1])


def reference_row(rows: Sequence[Row]) -> Row | None:
    """Choose the row with which the others are compared.

    Returns:
        The trained row with the highest AUC; without one, the trivial row with most false negatives; without
        rows, None.
    """
    trained = sorted(
        (row for row in rows if not row.trivial and np.isfinite(row.estimates["auc"].value)),
        key=lambda row: (-row.estimates["auc"].value, row.name),
    )
    trivial = sorted((row for row in rows if row.trivial), key=lambda row: (-mean_errors(row)[0], row.name))
    return next(iter(trained + trivial), None)


def draw_missed_pneumonia(board: Board) -> Iterator[Picture]:
    """Draw one page per protocol with two rows or more."""
    for group in groups_to_compare(board):
        reference = reference_row(group.rows)
        if reference is not None:
            yield _page(group, reference)


def _page(group: Comparable, reference: Row) -> Picture:
    rows = group.rows
    names = [style.fold(row.name, 34) for row in rows]
    left = style.inches(names) + 0.15
    figure, axes = style.page(
        1, 2, (3.6, 0.3 * len(rows) + 0.15), (0.45, 0.3), style.Margins(left, 0.35, 0.6, 0.65)
    )
    missed, alarms = axes[0]
    held = mean_errors(reference)
    _bars(missed, rows, [mean_errors(row)[0] for row in rows], held[0], style.PNEUMONIA, reference)
    _bars(alarms, rows, [mean_errors(row)[1] for row in rows], held[1], style.NORMAL, reference)
    missed.set_yticks(range(len(rows)), names)
    pneumonias = int(rows[0].test[0].labels.sum())
    missed.set_xlabel(f"false negatives, of {pneumonias} films with pneumonia")
    alarms.set_xlabel(f"false positives, of {len(rows[0].test[0]) - pneumonias} normal films")
    alarms.set_yticks([])
    style.heading(figure, f"Missed pneumonia, against {reference.name}", group.scope)
    return Picture(
        f"missed-{group.protocol}",
        "Films with pneumonia that a row predicted normal at probability 0.5, and normal films that it "
        "predicted to show pneumonia; in brackets, how many more (+) or fewer (−) than the reference (dotted "
        "line). Means over runs, rows in the order of the ranking. Better: shorter bars on both sides: a row "
        "that predicts pneumonia for every film misses none and has the longest bar on the right.",
        figure,
        f"Reference: {reference.name}. {group.note}",
    )


def _bars(
    ax: Axes, rows: Sequence[Row], values: Sequence[float], held: float, color: str, reference: Row
) -> None:
    widest = max(*values, 1.0)
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        ax.barh(place, value, height=0.68, color=color, alpha=0.45 if row.trivial else 0.9)
        text = (
            format_count(value)
            if row is reference
            else f"{format_count(value)}  ({format_change(value, held)})"
        )
        ax.text(
            value + 0.015 * widest,
            place,
            text,
            va="center",
            weight="bold" if row is reference else "normal",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
    ax.axvline(held, color=style.INK, lw=0.9, ls=(0, (1, 1.5)), zorder=0.5)
    ax.set_xlim(0, 1.35 * widest)
    ax.set_ylim(len(rows) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0, labelsize=style.TEXT)
    style.whole_numbers(ax)


def format_count(value: float) -> str:
    """Format a count, with one decimal if it is not whole."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def format_change(value: float, held: float) -> str:
    """Format a signed difference; `"±0"` if it rounds to zero."""
    gap = round(value - held, 1)
    return "±0" if gap == 0 else ("+" if gap > 0 else "−") + format_count(abs(gap))
