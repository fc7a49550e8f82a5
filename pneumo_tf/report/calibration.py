"""The table of calibration, before and after temperature scaling."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.calibration import TEMPERATURES, Calibration, calibration, fit_temperature
from pneumo_tf.report.markdown import Table, number
from pneumo_tf.report.rows import Row

LEAD = (
    "On the test films, means over seeds; → after temperature scaling, fitted on the validation films of "
    "each run. ECE: ten bins of equal mass; beside it what a perfectly calibrated model would show on as "
    "many films. Brier = miscalibration − discrimination + uncertainty (Dimitriadis, Gneiting & Jordan 2021)."
)
CHANGED = {"ece": "ECE", "log_loss": "Log loss", "brier": "Brier"}
PARTS = {"miscalibration": "Miscalibration", "discrimination": "Discrimination"}


def calibrations(rows: Sequence[Row]) -> Table:
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
        lines.append((row.name, number(float(np.mean(temperatures)), 2), chance, *changed, *parts))
    notes = [f"Uncertainty, the same for all rows: {uncertainty}."]
    notes += [f"The validation films of {', '.join(ends)} do not fix a temperature."] if ends else []
    header = ("Recipe", "Temperature", "ECE by chance", *CHANGED.values(), *PARTS.values())
    return Table(header, lines, notes)


def row_temperatures(row: Row) -> list[float]:
    """The temperature of each run of a row, by its own validation films."""
    return [fit_temperature(run.labels, run.score) for run in row.validation]


def _mean(of: Sequence[Calibration], name: str) -> str:
    return number(float(np.mean([getattr(each, name) for each in of])), 3)
