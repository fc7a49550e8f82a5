"""Column of text on an evaluation sheet: metrics, data and training."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.recipe import Published
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style

SHOWN = (
    "auc",
    "average_precision",
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "macro_f1",
    "brier",
)
WIDTH = 3.3
"""Width of the column in inches."""
_LINE = 0.175


class KeyNumber(NamedTuple):
    """One line of the table; without a value, `interval` names what is missing."""

    title: str
    value: str
    interval: str
    sd: str


def key_numbers(row: Row) -> list[KeyNumber]:
    """Return the metrics of a row on the test films, and its AUC on validation films if it has such films."""
    lines = [_line(METRICS[name].title, METRICS[name].undefined, row.estimates[name]) for name in SHOWN]
    if not row.chooses_on_test and all("validation" in sets for sets in row.sets):
        # Without an interval, because the epoch was chosen on these films.
        known = np.isfinite(row.validation_auc)
        value, missing = (f"{row.validation_auc:.3f}", "") if known else ("", METRICS["auc"].undefined)
        lines.append(KeyNumber("Validation AUC", value, missing, ""))
    return lines


def _line(title: str, undefined: str, estimate: Estimate) -> KeyNumber:
    if np.isnan(estimate.value):
        return KeyNumber(title, "", undefined, "")
    interval = "" if np.isnan(estimate.low) else f"{estimate.low:.3f} to {estimate.high:.3f}"
    sd = "" if np.isnan(estimate.sd) else f"{estimate.sd:.3f}"
    return KeyNumber(title, f"{estimate.value:.3f}", interval, sd)


def provenance(board: Board, row: Row) -> dict[str, str]:
    """Return facts about data and training of a row, by heading, without empty entries."""
    specs = row.specs
    trained = f", {specs[0].train_films} training films" if specs[0].train_films else ""
    parameters = row.costs[0].get("parameters")
    lines = {
        "Dataset": f"{board.title}, profile {board.profile}",
        "Test films": _films(board, row),
        "Protocol": row.protocol + trained,
        "Seeds": _listed(spec.seed for spec in specs),
        "Folds": _listed(spec.fold for spec in specs if spec.fold is not None),
        "Initial": "fitted by scikit-learn" if row.trivial else _listed(spec.weights for spec in specs),
        "Precision": _listed(spec.precision for spec in specs),
        "Device": _listed(made.get("device", "not recorded") for made in row.environments),
        "Model": row.recipe.architecture + (f", {parameters:,} parameters" if parameters else ""),
        "Source": row.recipe.source,
        "Published": _published(row.recipe.published[0]) if row.recipe.published else "",
        "Unfinished": _listed(f"seed {run.spec.seed} {run.state}" for run in row.unfinished),
    }
    return {name: text for name, text in lines.items() if text}


def _films(board: Board, row: Row) -> str:
    first = row.test[0]
    pneumonias = int(first.labels.sum())
    normals = len(first) - pneumonias
    known = board.films.patients_known
    patients = f"{len(np.unique(first.patients))} patients" if known else "patients unknown"
    return f"n = {len(first)}: {normals} normal, {pneumonias} pneumonia; {patients}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _published(figure: Published) -> str:
    titles = {name: METRICS[name].title if name in METRICS else name for name in figure.metrics}
    return (
        ", ".join(f"{titles[name]} {value:.3f}" for name, value in figure.metrics.items())
        + f" on {figure.on}"
    )


def write_column(figure: Figure, numbers: Iterable[KeyNumber], facts: Mapping[str, str]) -> None:
    """Write the numbers as a table, and their provenance below it, along the left edge of a page."""
    down = 0.62
    for at, line in enumerate((KeyNumber("Test films", "value", "95 % interval", "sd"), *numbers)):
        color = style.INK if at else style.QUIET
        _write(figure, 0.12, down, line.title, style.TEXT, color)
        _write(
            figure, 1.72, down, line.value, style.TEXT, color, ha="right", weight="bold" if at else "normal"
        )
        if line.value:
            _write(figure, 2.82, down, line.interval, style.TEXT, color, ha="right")
        else:
            _write(figure, 3.28, down, line.interval, style.SMALL, style.QUIET, ha="right")
        _write(figure, 3.28, down, line.sd, style.TEXT, color, ha="right")
        down += _LINE
    down += 0.12
    for name, text in facts.items():
        _write(figure, 0.12, down, name, style.SMALL, style.QUIET)
        for part in textwrap.wrap(text, 42, max_lines=3, placeholder=" …"):
            _write(figure, 0.85, down, part, style.SMALL, style.INK)
            down += 0.135
        down += 0.05


def _write(figure: Figure, x: float, down: float, text: str, size: float, color: str, **more: str) -> None:
    """Write text `x` inches from the left edge, its baseline `down` inches from the top."""
    width, height = figure.get_size_inches()
    figure.text(x / width, 1 - down / height, text, size=size, color=color, va="baseline", **more)
