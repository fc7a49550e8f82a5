"""Figures of ROC and precision-recall curves, means over runs, with the curves of all rows on one page."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.ratio import ratio
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import Comparable, groups_to_compare
from pneumo_tf.report.figures.picture import Picture


class Curve(NamedTuple):
    """A curve: points joined by straight lines.

    Args:
        x: (k,) false positive rate, or recall; nan if the films are of one class.
        y: (k,) sensitivity, or precision.
    """

    x: np.ndarray
    y: np.ndarray

    @property
    def defined(self) -> bool:
        """True if the curve has points and all are finite."""
        return bool(len(self.x) and np.isfinite(self.x).all() and np.isfinite(self.y).all())


def _cumulative_counts(scored: LabelledPredictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the (k,) negatives and positives at or above each of k distinct scores, highest first."""
    _, step = np.unique(-scored.score, return_inverse=True)
    normals, pneumonias = (np.bincount(step, scored.labels == label) for label in (0, 1))
    return np.cumsum(normals), np.cumsum(pneumonias)


def roc_points(scored: LabelledPredictions) -> Curve:
    """Return false positive rate and sensitivity at each distinct score, from (0, 0) to (1, 1)."""
    normals, pneumonias = (np.concatenate([[0.0], counts]) for counts in _cumulative_counts(scored))
    return Curve(
        ratio(normals, np.full_like(normals, normals[-1])),
        ratio(pneumonias, np.full_like(pneumonias, pneumonias[-1])),
    )


def precision_points(scored: LabelledPredictions) -> Curve:
    """Return recall and precision at each distinct score at which recall increases."""
    normals, pneumonias = _cumulative_counts(scored)
    adds = np.diff(pneumonias, prepend=0.0) > 0
    recall = ratio(pneumonias, np.full_like(pneumonias, pneumonias[-1]))
    return Curve(recall[adds], ratio(pneumonias, pneumonias + normals)[adds])


def mean_roc(runs: Sequence[LabelledPredictions]) -> Curve:
    """Return the mean sensitivity at each false positive rate; the area below is the runs' mean AUC."""
    curves = [roc_points(run) for run in runs]
    if len(curves) == 1 or not all(curve.defined for curve in curves):
        return curves[0]
    grid = np.unique(np.concatenate([curve.x for curve in curves]))
    sides = np.mean([_at(curve, grid) for curve in curves], axis=0)
    return Curve(np.repeat(grid, 2), sides.T.ravel())


def _at(curve: Curve, grid: np.ndarray) -> np.ndarray:
    """Return (2, g) lowest and highest sensitivity at g false positive rates; they differ at a step."""
    rates, first = np.unique(curve.x, return_index=True)
    low, high = curve.y[first], curve.y[np.append(first[1:], len(curve.x)) - 1]
    right = np.searchsorted(rates, grid)
    left = np.maximum(right - 1, 0)
    along = ratio(grid - rates[left], rates[right] - rates[left])
    between = high[left] + along * (low[right] - high[left])
    exact = rates[right] == grid
    return np.where(exact, (low[right], high[right]), between)


def mean_precision(runs: Sequence[LabelledPredictions]) -> Curve:
    """Return the mean precision at each recall, in steps; the area below it is the mean average precision."""
    curves = [precision_points(run) for run in runs]
    if not all(curve.defined for curve in curves):
        return next(curve for curve in curves if not curve.defined)
    grid = np.unique(np.concatenate([curve.x for curve in curves]))
    precision = np.mean([curve.y[np.searchsorted(curve.x, grid)] for curve in curves], axis=0)
    return Curve(np.concatenate([[0.0], np.repeat(grid, 2)[:-1]]), np.repeat(precision, 2))


def operating_point(
    runs: Sequence[LabelledPredictions], point_of: Callable[[LabelledPredictions], tuple[float, float]]
) -> tuple[float, float]:
    """Return the mean over runs of the point at probability 0.5."""
    return tuple(np.mean([point_of(run) for run in runs], axis=0))


def overlay_page(
    group: Comparable,
    curves: Sequence[Curve],
    points: Sequence[tuple[float, float]],
    estimates: Sequence[Estimate],
    title: str,
    zoom: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[Figure, np.ndarray]:
    """Draw the curves of all rows in two panels, one magnified, with a legend in the order of the rows.

    Args:
        group: Rows and their strokes.
        curves: One per row.
        points: Operating point of each row, marked with a dot.
        estimates: Estimate of each row in the legend.
        title: Title of the page.
        zoom: Limits of x and of y of the magnified panel.

    Returns:
        The figure, and its two panels.
    """
    names = [style.elide(row.name, 36) for row in group.rows]
    legend = style.inches(names) + 1.9
    side = max(2.9, 0.175 * len(names) + 0.2)
    figure, axes = style.page(1, 2, (side, side), (0.55, 0.3), style.Margins(0.6, legend, 0.72, 0.62))
    whole, near = axes[0]
    for ax in (whole, near):
        for curve, stroke in zip(curves, group.strokes, strict=True):
            if curve.defined:
                ax.plot(*curve, color=stroke.color, ls=stroke.linestyle, lw=stroke.linewidth)
        ax.grid()
    for point, stroke in zip(points, group.strokes, strict=True):
        whole.plot(*point, "o", color=stroke.color, ms=3.5, mec="white", mew=0.5, zorder=5)
        near.plot(*point, "o", color=stroke.color, ms=5, mec="white", mew=0.8, zorder=5)
    _set_limits(whole, near, zoom)
    _legend(near, group, names, estimates)
    style.heading(figure, title, group.scope)
    return figure, axes[0]


def _set_limits(whole: Axes, near: Axes, zoom: tuple[tuple[float, float], tuple[float, float]]) -> None:
    (left, right), (low, high) = zoom
    whole.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), title="whole")
    margin = 0.01 * (right - left)
    near.set(xlim=(left - margin, right + margin), ylim=(low - margin, high + margin), title="magnified")
    frame = ((left, right, right, left, left), (low, low, high, high, low))
    whole.plot(*frame, color=style.QUIET, lw=0.8, ls=(0, (1, 1.5)))


def _legend(beside: Axes, group: Comparable, names: Sequence[str], estimates: Sequence[Estimate]) -> None:
    handles, labels = [], []
    for stroke, name, estimate in zip(group.strokes, names, estimates, strict=True):
        handles += beside.plot([], [], color=stroke.color, ls=stroke.linestyle, lw=stroke.linewidth)
        labels.append(f"{format_estimate(estimate)}  {name}")
    style.legend_beside(beside, handles, labels, handlelength=2.6)


def format_estimate(estimate: Estimate) -> str:
    """Format a value with its interval for a legend."""
    if np.isnan(estimate.value):
        return "not defined"
    interval = "" if np.isnan(estimate.low) else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f}{interval}"


def roc_point(scored: LabelledPredictions) -> tuple[float, float]:
    """Return false positive rate and sensitivity at probability 0.5."""
    values = compute_metrics(scored.labels, scored.score, names=("specificity", "sensitivity"))
    return 1 - float(values["specificity"][0]), float(values["sensitivity"][0])


def draw_roc_curves(board: Board) -> Iterator[Picture]:
    """Draw one overlay per protocol with two rows or more."""
    for group in groups_to_compare(board):
        curves = [mean_roc(row.test) for row in group.rows]
        if not any(curve.defined for curve in curves):
            continue
        estimates = [row.estimates["auc"] for row in group.rows]
        points = [operating_point(row.test, roc_point) for row in group.rows]
        figure, axes = overlay_page(
            group,
            curves,
            points,
            estimates,
            "ROC curves, with AUC and its 95 % interval",
            ((0, 0.5), (0.5, 1)),
        )
        axes[0].plot((0, 1), (0, 1), color=style.RULE, lw=1, zorder=0)
        axes[0].set_ylabel("sensitivity")
        for ax in axes:
            ax.set_xlabel("false positive rate (1 − specificity)")
        yield Picture(
            f"roc-{group.protocol}",
            "Sensitivity against false positive rate over all thresholds, the mean over the runs of a "
            "row; dots mark probability 0.5, trivial rows are grey. Better: toward the upper left "
            "corner. Intervals that overlap widely do not rank their rows.",
            figure,
            group.note,
        )


def precision_point(scored: LabelledPredictions) -> tuple[float, float]:
    """Return recall and precision at probability 0.5."""
    values = compute_metrics(scored.labels, scored.score, names=("sensitivity", "ppv"))
    return float(values["sensitivity"][0]), float(values["ppv"][0])


def draw_precision_recall_curves(board: Board) -> Iterator[Picture]:
    """Draw one overlay per protocol with two rows or more."""
    for group in groups_to_compare(board):
        curves = [mean_precision(row.test) for row in group.rows]
        prevalence = float(group.rows[0].test[0].labels.mean())
        if prevalence in (0, 1):  # films of one class have no curve
            continue
        estimates = [row.estimates["average_precision"] for row in group.rows]
        points = [operating_point(row.test, precision_point) for row in group.rows]
        title = "Precision-recall curves, with average precision and its 95 % interval"
        figure, axes = overlay_page(group, curves, points, estimates, title, ((0.5, 1), (0.5, 1)))
        for ax in axes:
            ax.axhline(prevalence, color=style.QUIET, lw=0.9, ls=(0, (1, 1.5)))
            ax.set_xlabel("recall (sensitivity)")
        axes[0].text(0.02, prevalence - 0.015, f"prevalence {prevalence:.3f}", va="top", color=style.QUIET)
        axes[0].set_ylabel("precision (PPV)")
        yield Picture(
            f"precision-recall-{group.protocol}",
            "Precision against recall over all thresholds, the mean over the runs of a row; dots mark "
            "probability 0.5, trivial rows are grey. The dotted line is the share of pneumonia among the "
            "films, the precision of random predictions. Better: toward the upper right corner. Precision "
            "depends on that share: a clinic with fewer pneumonias would see less of it.",
            figure,
            group.note,
        )
