"""The tables of net benefit: the value of decisions by a model, compared with one decision for all films."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from pneumo_tf.evaluation.intervals import Estimate, estimate_mean
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.net_benefit import THRESHOLDS, net_benefit, net_benefit_of_all
from pneumo_tf.evaluation.operating_points import PREVALENCES
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number, with_interval
from pneumo_tf.report.tables.first_rows import first_rows

LEAD = (
    "Net benefit (Vickers & Elkin 2006) for 100 films: pneumonia found, minus false alarms times t / (1 − t) "
    "if films with a probability above t are predicted positive. Means over runs [95 %], probabilities as "
    "predicted by the model. **Bold**: above all films positive, none, and the best trivial row, by the "
    "interval of each paired difference. The second table restates it for other shares of pneumonia, with "
    "probabilities adjusted to them by Bayes' theorem."
)
RESTATED = 0.1
"""Threshold of the second table."""

SCALE = 100.0
DECIMALS = 1

Point = tuple[float, float | None]
"""Threshold of the probability, and share of pneumonia, None for that of the films."""


def net_benefit_tables(board: Board) -> list[Table]:
    """Return a table at the class mix of the test films, and one at other prevalences."""
    titles = [f"t = {t:g} (a hit is worth {(1 - t) / t:.0f} {_alarms(t)})" for t in THRESHOLDS]
    restated = [f"{100 * share:g} % pneumonia, t = {RESTATED:g}" for share in PREVALENCES]
    return [
        _table(board, titles, [(t, None) for t in THRESHOLDS]),
        _table(board, restated, [(RESTATED, share) for share in PREVALENCES]),
    ]


def _alarms(threshold: float) -> str:
    return "alarm" if threshold == 0.5 else "alarms"


def _table(board: Board, titles: Sequence[str], points: Sequence[Point]) -> Table:
    rows = [row for row in board.ranking if len(set(row.test[0].labels)) == 2]
    header = ("Recipe", *titles)
    if not rows:
        return Table(header, [])
    shown, notes = first_rows(rows)
    rivals = _rivals(rows, points)
    everyone = (format_number(SCALE * values[0], DECIMALS) for values in rivals[0])
    lines = [
        ("*all positive*", *everyone),
        ("*none positive*", *[format_number(0.0, DECIMALS)] * len(points)),
    ]
    for row in shown:
        values = _measure(row, points)
        cells = (_cell(row, values[:, at], [rival[at] for rival in rivals]) for at in range(len(points)))
        lines.append((row.name, *cells))
    return Table(header, lines, notes=notes)


def _rivals(rows: Sequence[Row], points: Sequence[Point]) -> list[np.ndarray]:
    """Return (points, 1 + replicates) net benefits: all films positive, none, and the best trivial row."""
    everyone = _of_all(rows[0], points)
    trivial = [_measure(row, points).mean(axis=0) for row in rows if row.trivial]
    rivals = [everyone, np.zeros_like(everyone)]
    if trivial:
        best = [max(values, key=lambda one: one[0]) for values in zip(*trivial, strict=True)]
        rivals.append(np.stack(best))
    return rivals


def _cell(row: Row, values: np.ndarray, rivals: Sequence[np.ndarray]) -> str:
    """Format the net benefit (runs, 1 + replicates) of a row at one threshold."""
    if not np.isfinite(values[:, 0]).all():
        return DASH
    text = with_interval(_estimate(row, SCALE * values), DECIMALS)
    better = not row.trivial and all(_estimate(row, values - rival).low > 0 for rival in rivals)
    return f"**{text}**" if better else text


def _estimate(row: Row, values: np.ndarray) -> Estimate:
    patients, seed = row.bootstrap.count_patients(row.test[0]), row.bootstrap.seed_of(row.test)
    return estimate_mean(values[:, 0], values[:, 1:], patients, seed, (-np.inf, np.inf))


def _measure(row: Row, points: Sequence[Point]) -> np.ndarray:
    """Return (runs, points, 1 + replicates) net benefits."""
    return np.stack([row.bootstrap.replicate(run, partial(_at_points, run, points)) for run in row.test])


def _at_points(run: LabelledPredictions, points: Sequence[Point], weights: np.ndarray) -> np.ndarray:
    return np.stack([net_benefit(run, (threshold,), weights, share)[0] for threshold, share in points])


def _of_all(row: Row, points: Sequence[Point]) -> np.ndarray:
    """Return the (points, 1 + replicates) net benefits of predicting all films positive."""
    run = row.test[0]
    mix = row.bootstrap.replicate(run, lambda weights: weights @ (run.labels == 1) / weights.sum(axis=1))
    shares = (mix if share is None else np.full_like(mix, share) for _, share in points)
    return np.stack([net_benefit_of_all(of, (t,))[0] for of, (t, _) in zip(shares, points, strict=True)])
