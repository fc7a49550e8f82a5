"""The tables of net benefit: what decisions by a model are worth, beside calling all films or none."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import Estimate, estimate_mean
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.net_benefit import THRESHOLDS, net_benefit, net_benefit_of_all
from pneumo_tf.evaluation.operating_points import PREVALENCES
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number, with_interval

LEAD = (
    "Net benefit (Vickers & Elkin 2006) for 100 films: pneumonia found, minus false alarms times t / (1 − t) "
    "if films with a probability above t are called pneumonia. Means over runs [95 %], probabilities as the "
    "model states them. **Bold**: above calling all films, calling none, and the best trivial row, by the "
    "interval of each paired difference. The second table restates it for other shares of pneumonia, with "
    "probabilities adjusted to them by Bayes' theorem."
)
RESTATED = 0.1
"""Threshold of the second table."""

SCALE = 100.0
DECIMALS = 1


def net_benefit_tables(board: Board) -> list[Table]:
    """Return a table at the class mix of the test films, and one at other prevalences."""
    rows = [row for row in board.ranking if len(set(row.test[0].labels)) == 2]
    return [_at_test_mix(rows), _at_prevalences(rows)]


def _at_test_mix(rows: Sequence[Row]) -> Table:
    header = ("Recipe", *(f"t = {t:g} (a hit is worth {(1 - t) / t:.0f} {_alarms(t)})" for t in THRESHOLDS))
    if not rows:
        return Table(header, [])
    return Table(header, _lines(rows, THRESHOLDS, (None,) * len(THRESHOLDS)))


def _at_prevalences(rows: Sequence[Row]) -> Table:
    header = ("Recipe", *(f"{100 * share:g} % pneumonia, t = {RESTATED:g}" for share in PREVALENCES))
    if not rows:
        return Table(header, [])
    return Table(header, _lines(rows, (RESTATED,) * len(PREVALENCES), PREVALENCES))


def _alarms(threshold: float) -> str:
    return "alarm" if threshold == 0.5 else "alarms"


def _lines(
    rows: Sequence[Row], thresholds: Sequence[float], prevalences: Sequence[float | None]
) -> list[tuple[str, ...]]:
    found = [_measure(row, thresholds, prevalences) for row in rows]
    everyone = _of_all(rows[0], thresholds, prevalences)
    trivial = [values.mean(axis=0) for row, values in zip(rows, found, strict=True) if row.trivial]
    best = max(trivial, key=lambda values: values[:, 0].mean()) if trivial else np.zeros_like(everyone)
    rivals = [everyone, np.zeros_like(everyone), best]
    lines = [("*call all films*", *(format_number(SCALE * value, DECIMALS) for value in everyone[:, 0]))]
    lines.append(("*call none*", *(format_number(0.0, DECIMALS) for _ in thresholds)))
    for row, values in zip(rows, found, strict=True):
        cells = [_cell(row, values[:, at], [rival[at] for rival in rivals]) for at in range(len(thresholds))]
        lines.append((row.name, *cells))
    return lines


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


def _measure(row: Row, thresholds: Sequence[float], prevalences: Sequence[float | None]) -> np.ndarray:
    """Return (runs, thresholds, 1 + replicates) net benefits."""
    return np.stack(
        [
            [
                _replicate_net_benefit(row, run, threshold, prevalence)
                for threshold, prevalence in zip(thresholds, prevalences, strict=True)
            ]
            for run in row.test
        ]
    )


def _replicate_net_benefit(
    row: Row, run: LabelledPredictions, threshold: float, prevalence: float | None
) -> np.ndarray:
    return row.bootstrap.replicate(
        run, lambda weights: net_benefit(run, (threshold,), weights, prevalence)[0]
    )


def _of_all(row: Row, thresholds: Sequence[float], prevalences: Sequence[float | None]) -> np.ndarray:
    """Return the (thresholds, 1 + replicates) net benefits of calling all films pneumonia."""
    run = row.test[0]
    mix = row.bootstrap.replicate(run, lambda weights: weights @ (run.labels == 1) / weights.sum(axis=1))
    shares = [mix if share is None else np.full_like(mix, share) for share in prevalences]
    return np.stack([net_benefit_of_all(share, (t,))[0] for share, t in zip(shares, thresholds, strict=True)])
