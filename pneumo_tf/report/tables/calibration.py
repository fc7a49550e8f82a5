"""The table of calibration, before and after temperature scaling."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.calibration import TEMPERATURES, Calibration, fit_temperature, measure_calibration
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import format_number
from pneumo_tf.report.tuned import TUNED_ON, TunedModels, tuned_models

LEAD = (
    f"On the test films, means over models; → after temperature scaling, fitted {TUNED_ON}. ECE: ten bins of "
    "equal mass; ECE by chance: that of a perfectly calibrated model on as many films. Brier = "
    "miscalibration − discrimination + uncertainty (Dimitriadis, Gneiting & Jordan 2021)."
)
CHANGED = {"ece": "ECE", "log_loss": "Log loss", "brier": "Brier"}
PARTS = {"miscalibration": "Miscalibration", "discrimination": "Discrimination"}


def calibration_table(board: Board) -> Table:
    """Return a table with a line for each of `tuned_models`."""
    lines, ends, uncertainty = [], [], ""
    for models in tuned_models(board):
        temperatures = fit_temperatures(models)
        raw = [measure_calibration(run.labels, run.score) for run in models.test]
        scaled = [
            measure_calibration(run.labels, run.score / t)
            for run, t in zip(models.test, temperatures, strict=True)
        ]
        if any(not 1.01 * TEMPERATURES[0] < t < 0.99 * TEMPERATURES[1] for t in temperatures):
            ends.append(models.name)
        changed = [f"{_mean(raw, name)} → {_mean(scaled, name)}" for name in CHANGED]
        parts = [_mean(raw, name) for name in PARTS]
        chance, uncertainty = _mean(raw, "ece_by_chance"), _mean(raw, "uncertainty")
        temperature = format_number(float(np.mean(temperatures)), 2)
        lines.append((models.name, temperature, chance, *changed, *parts))
    notes = [f"Uncertainty, the same for all rows: {uncertainty}."]
    if ends:
        notes.append(f"The films do not determine a temperature for {', '.join(ends)}.")
    header = ("Recipe", "Temperature", "ECE by chance", *CHANGED.values(), *PARTS.values())
    return Table(header, lines, notes)


def fit_temperatures(models: TunedModels) -> list[float]:
    """Return the temperature of each model, fitted on its tuning films."""
    return [fit_temperature(films.labels, films.score) for films in models.tuning]


def _mean(models: Sequence[Calibration], name: str) -> str:
    return format_number(float(np.mean([getattr(each, name) for each in models])), 3)
