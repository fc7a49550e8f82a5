"""Evaluation sheets: what there is to know of one recipe, on one page."""

import textwrap
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import over_runs
from pneumo_tf.report.figures.confusion import draw_confusion, mean_confusion
from pneumo_tf.report.figures.histograms import draw_histogram
from pneumo_tf.report.figures.operating_curves import (
    Curve,
    mean_precision,
    mean_roc,
    operating_point,
    roc_points,
)
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.figures.precision_recall import precision_point
from pneumo_tf.report.figures.roc import roc_point
from pneumo_tf.report.figures.training import draw_auc, draw_loss, kept_epoch
from pneumo_tf.report.rows import Board, Row

KEY_NUMBERS = (
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
TEXT_WIDTH = 2.95
"""Inches of the column of numbers."""


def draw(board: Board) -> Iterator[Picture]:
    """Draws one page per row with a finished run."""
    bootstrap = PatientBootstrap()
    for row in board.rows:
        if row.runs:
            yield Picture(
                f"sheet-{row.name}-{row.protocol}",
                f"Everything measured of {row.name} under the protocol {row.protocol}: {over_runs(row)}; scores and "
                "training curves are of the first run, thin lines are single runs, dots mark probability 0.5.",
                _page(board, row, bootstrap),
            )


def _page(board: Board, row: Row, bootstrap: PatientBootstrap) -> Figure:
    figure, axes = style.page(
        2, 3, (2.25, 2.05), (0.6, 0.75), style.Margins(TEXT_WIDTH + 0.75, 0.2, 0.65, 0.65)
    )
    style.heading(figure, row.name)
    estimates = bootstrap.estimate(row.test, KEY_NUMBERS)
    validation = bootstrap.estimate(row.validation, ("auc",))["auc"] if _validated(row) else None
    end = _write_numbers(figure, estimates, validation)
    _write_provenance(figure, provenance(board, row), end)
    draw_confusion(axes[0, 0], mean_confusion(row))
    axes[0, 0].set(title=f"Confusion ({over_runs(row)})", xlabel="called", ylabel="labelled")
    _draw_roc(axes[0, 1], row)
    _draw_precision(axes[0, 2], row)
    _draw_scores(axes[1, 0], row)
    _draw_training(axes[1, 1], axes[1, 2], row)
    return figure


def _validated(row: Row) -> bool:
    return all("validation" in run.prediction_sets() for run in row.runs)


def key_number(name: str, estimate: Estimate) -> tuple[str, str, str]:
    """Name, value and interval of a metric, as the sheet prints them."""
    if np.isnan(estimate.value):
        return METRICS[name].title, "–", METRICS[name].undefined
    interval = "" if np.isnan(estimate.low) else f"{estimate.low:.3f} to {estimate.high:.3f}"
    return METRICS[name].title, f"{estimate.value:.3f}", interval


def _write_numbers(figure: Figure, estimates: dict[str, Estimate], validation: Estimate | None) -> float:
    """Writes the metrics as a table; returns how far down it reaches, in inches from the top."""
    width, height = figure.get_size_inches()
    lines = [("Test films", "value", "95 % interval", "sd")]
    lines += [(*key_number(name, one), _sd(one)) for name, one in estimates.items()]
    if validation is not None:
        title, value, interval = key_number("auc", validation)
        lines.append((f"Validation {title}", value, interval, _sd(validation)))
    down = 0.5
    for number, cells in enumerate(lines):
        for x, text, side in zip(
            (0.12, 1.75, 2.72, 3.06), cells, ("left", "right", "right", "right"), strict=True
        ):
            figure.text(
                x / width,
                1 - down / height,
                text,
                ha=side,
                va="top",
                size=style.TEXT if x != 2.72 else style.SMALL,
                color=style.QUIET if number == 0 else style.INK,
                weight="bold" if x == 1.75 and number else "normal",
            )
        down += 0.175
    return down


def _sd(estimate: Estimate) -> str:
    return "" if np.isnan(estimate.sd) else f"{estimate.sd:.3f}"


def provenance(board: Board, row: Row) -> list[tuple[str, str]]:
    """What the numbers rest on: films, protocol, seeds, initial weights, precision, device."""
    test, specs = row.test[0], row.specs
    pneumonias, patients = int(test.labels.sum()), len(np.unique(test.patients))
    used = specs[0].train_films
    lines = [
        ("Dataset", f"{board.title}, profile {board.profile}"),
        (
            "Test",
            f"n = {len(test)}: {len(test) - pneumonias} normal, {pneumonias} pneumonia; {patients} patients",
        ),
        ("Protocol", row.protocol + (f", {used} training films" if used else "")),
        ("Seeds", ", ".join(dict.fromkeys(str(spec.seed) for spec in specs))),
        ("Initial", "fitted by scikit-learn" if row.trivial else _listed(spec.weights for spec in specs)),
        ("Precision", _listed(spec.precision for spec in specs)),
        ("Device", _listed(made.get("device", "not recorded") for made in row.environments)),
    ]
    folds = [str(spec.fold) for spec in specs if spec.fold is not None]
    lines.insert(4, ("Folds", ", ".join(folds)))
    lines.append(("Model", f"{row.recipe.architecture}{_parameters(row)}"))
    lines.append(("Source", row.recipe.source))
    lines.append(
        (
            "Unfinished",
            ", ".join(
                f"seed {s.seed}: {r.state}" for s, r in zip(row.unfinished_specs, row.unfinished, strict=True)
            ),
        )
    )
    return [(name, text) for name, text in lines if text]


def _listed(values: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _parameters(row: Row) -> str:
    count = row.costs[0].get("parameters")
    return f", {count:,} parameters" if count else ""


def _write_provenance(figure: Figure, lines: list[tuple[str, str]], down: float) -> None:
    width, height = figure.get_size_inches()
    down += 0.12
    for name, text in lines:
        folded = textwrap.wrap(text, 40)[:3]
        figure.text(0.12 / width, 1 - down / height, name, va="top", size=style.SMALL, color=style.QUIET)
        figure.text(
            0.85 / width, 1 - down / height, "\n".join(folded), va="top", size=style.SMALL, linespacing=1.15
        )
        down += 0.125 * len(folded) + 0.05


def _draw_roc(ax: Axes, row: Row) -> None:
    single = [roc_points(run) for run in row.test] if len(row.test) > 1 else []
    _draw_curves(ax, single, mean_roc(row.test), operating_point(row.test, roc_point))
    ax.plot((0, 1), (0, 1), color=style.RULE, lw=1, zorder=0)
    ax.set(title="ROC", xlabel="false positive rate", ylabel="sensitivity")


def _draw_precision(ax: Axes, row: Row) -> None:
    single = [mean_precision([run]) for run in row.test] if len(row.test) > 1 else []
    _draw_curves(ax, single, mean_precision(row.test), operating_point(row.test, precision_point))
    ax.axhline(float(row.test[0].labels.mean()), color=style.QUIET, lw=0.8, ls=(0, (1, 1.5)))
    ax.set(title="Precision-recall", xlabel="recall", ylabel="precision")


def _draw_curves(ax: Axes, single: list[Curve], mean: Curve, point: tuple[float, float]) -> None:
    for curve in single:
        if curve.defined:
            ax.plot(*curve, color=style.CYCLE[4], lw=0.7)
    if mean.defined:
        ax.plot(*mean, color=style.NORMAL, lw=1.6)
        ax.plot(*point, "o", color=style.NORMAL, ms=5, mec="white", mew=0.8)
    else:
        ax.text(0.5, 0.5, "not defined:\none class", ha="center", va="center", color=style.QUIET)
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    ax.grid()


def _draw_scores(ax: Axes, row: Row) -> None:
    draw_histogram(ax, row.test[0])
    ax.set(title="Scores (first run)", xlabel="score: logit difference", ylabel="share of the class")
    # Above the bars, where a legend inside would cover them.
    ax.set_ylim(0, 1.35 * ax.get_ylim()[1])
    ax.legend(loc="upper left", fontsize=style.SMALL, handlelength=1.2, borderaxespad=0.1, labelspacing=0.25)


def _draw_training(loss: Axes, auc: Axes, row: Row) -> None:
    history = row.history[0]
    if not history:
        for ax in (loss, auc):
            style.bare(ax)
        loss.text(0.5, 0.5, "nothing trained\nby gradient", ha="center", va="center", color=style.QUIET)
        return
    draw_loss(loss, history)
    loss.set(title="Loss (first run)", xlabel="epoch", ylabel="loss")
    loss.legend(fontsize=style.SMALL, handlelength=1.4)
    draw_auc(auc, history, kept_epoch(row))
    auc.set(title="Validation AUC (first run)", xlabel="epoch", ylabel="AUC")
    if auc.get_legend_handles_labels()[0][1:] or kept_epoch(row) is not None:
        auc.legend(fontsize=style.SMALL, loc="lower right", handletextpad=0.2)
