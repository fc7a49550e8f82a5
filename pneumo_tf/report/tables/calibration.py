"""The table of calibration, before and after temperature scaling."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.calibration import TEMPERATURES, Calibration, calibration, fit_temperature
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import format_number
from pneumo_tf.report.tuned import Judged, where_fixed

CHANGED = {"ece": "ECE", "log_loss": "Log loss", "brier": "Brier"}
PARTS = {"miscalibration": "Miscalibration", "discrimination": "Discrimination"}


def lead(rows: Sequence[Judged]) -> str:
    """How to read `calibrations`."""
    return (
        f"On the test films, means over models; → after temperature scaling, fitted {where_fixed(rows)}. "
        "ECE: ten bins of equal mass; beside it what a perfectly calibrated model would show on as many "
        "films. Brier = miscalibration − discrimination + uncertainty (Dimitriadis, Gneiting & Jordan 2021)."
    )


def calibrations(rows: Sequence[Judged]) -> Table:
    """A line for each row."""
    lines, ends, uncertainty = [], [], ""
    for row in rows:
        temperatures = row_temperatures(row)
        raw = [calibration(run.labels, run.score) for run in row.test]
        scaled = [
            calibration(run.labels, run.score / t) for run, t in zip(row.test, temperatures, strict=True)
        ]
        if any(not 1.01 * TEMPERATURES[0] < t < 0.99 * TEMPERATURES[1] for t in temperatures):
            ends.append(row.name)
        changed = [f"{_mean(raw, name)} → {_mean(scaled, name)}" for name in CHANGED]
        parts = [_mean(raw, name) for name in PARTS]
        chance, uncertainty = _mean(raw, "ece_by_chance"), _mean(raw, "uncertainty")
        lines.append((row.name, format_number(float(np.mean(temperatures)), 2), chance, *changed, *parts))
    notes = [f"Uncertainty, the same for all rows: {uncertainty}."]
    notes += [f"The films do not fix a temperature for {', '.join(ends)}."] if ends else []
    header = ("Recipe", "Temperature", "ECE by chance", *CHANGED.values(), *PARTS.values())
    return Table(header, lines, notes)


def row_temperatures(row: Judged) -> list[float]:
    """The temperature of each model of a line, by the films that it is fixed on."""
    return [fit_temperature(films.labels, films.score) for films in row.tuning]


def _mean(of: Sequence[Calibration], name: str) -> str:
    return format_number(float(np.mean([getattr(each, name) for each in of])), 3)
