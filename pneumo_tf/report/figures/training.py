"""Figure of training curves: loss and validation AUC by epoch."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.report.board import OFFICIAL, Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import finished_rows
from pneumo_tf.report.figures.picture import Picture

COLUMNS = 4
TRAIN, VALIDATION = "#777777", "#009E73"
CHOSEN_ON_TEST = (
    "Where test films are named, the epoch was chosen on them, as the authors did, and the green curves are "
    "theirs."
)
Epochs = Sequence[Mapping[str, float]]


def chosen_on(row: Row) -> str:
    """Return the kind of films that the epoch is chosen on: `"validation"` or `"test"`."""
    return "test" if row.chooses_on_test else "validation"


def draw_loss(ax: Axes, history: Epochs, label: str = "validation") -> None:
    """Draw loss on training films and on those that the epoch is chosen on, with a line between phases.

    Args:
        ax: Axes of the panel.
        history: Epochs of the run.
        label: Kind of films that the epoch is chosen on, for the legend.
    """
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(history) == 1 else None  # a line of one point is invisible
    ax.plot(epochs, [row["train_loss"] for row in history], TRAIN, lw=1.3, marker=marker, ms=3, label="train")
    ax.plot(
        epochs,
        [row["validation_loss"] for row in history],
        VALIDATION,
        lw=1.3,
        marker=marker,
        ms=3,
        label=label,
    )
    losses = [
        row[key] for row in history for key in ("train_loss", "validation_loss") if np.isfinite(row[key])
    ]
    ax.set_ylim(0, 1.08 * max(losses, default=1.0))
    _phases(ax, history)


def draw_auc(ax: Axes, history: Epochs, kept: int | None) -> None:
    """Draw AUC on the films that the epoch is chosen on, with a mark at the epoch whose weights were kept."""
    epochs = [row["epoch"] for row in history]
    auc = {row["epoch"]: row["validation_auc"] for row in history}
    ax.plot(epochs, list(auc.values()), VALIDATION, lw=1.3, marker="o" if len(auc) == 1 else None, ms=3)
    if kept in auc:
        ax.plot(
            kept, auc[kept], "o", color=style.PNEUMONIA, ms=5, mec="white", mew=0.8, label="kept", zorder=5
        )
    low = min((value for value in auc.values() if np.isfinite(value)), default=0.5)
    ax.set_ylim(max(0.0, low - 0.15 * (1 - low) - 0.005), 1.0 + 0.08 * (1 - low) + 0.002)
    _phases(ax, history)


def _phases(ax: Axes, history: Epochs) -> None:
    for before, after in zip(history, history[1:], strict=False):
        if before["phase"] != after["phase"]:
            ax.axvline(before["epoch"] + 0.5, color=style.QUIET, lw=0.8, ls=(0, (1, 1.5)))
    ax.set_xlim(history[0]["epoch"] - 0.5, history[-1]["epoch"] + 0.5)
    ax.locator_params(axis="y", nbins=3)
    style.whole_numbers(ax)
    ax.grid(axis="y")


def kept_epoch(row: Row) -> int | None:
    """Return the epoch whose weights the first run kept, None if not recorded."""
    return row.costs[0].get("kept_epoch")


def draw_training_curves(board: Board) -> Iterator[Picture]:
    """Draw the curves of the first run of every trained row, the best of each protocol first."""
    rows = [row for row in finished_rows(board) if row.history]
    if not rows:
        return
    columns = min(COLUMNS, max(len(rows), 2))
    blocks = style.rows_for(len(rows), columns)
    figure, axes = style.page(
        2 * blocks, columns, (1.95, 0.8), (0.5, 0.12, 0.72), style.Margins(0.65, 0.2, 0.85, 0.62)
    )
    losses, aucs = axes[::2], axes[1::2]
    for loss, auc, row in zip(losses.flat, aucs.flat, rows, strict=False):
        draw_loss(loss, row.history)
        draw_auc(auc, row.history, kept_epoch(row))
        loss.set_title(_name(row), size=style.SMALL)
        loss.tick_params(labelbottom=False)
    style.drop([*losses.flat[len(rows) :], *aucs.flat[len(rows) :]])
    style.label_outer(losses, len(rows), "", "loss")
    style.label_outer(aucs, len(rows), "epoch", "AUC")
    style.heading(figure, "Training curves", _scope(rows))
    handles = [*losses[0, 0].get_lines()[:2], *aucs[0, 0].get_lines()[1:2]]
    on_test = any(row.chooses_on_test for row in rows)
    green = "validation, or test where named" if on_test else "validation"
    figure.legend(handles, ("train", green, "kept epoch")[: len(handles)], loc="upper right", ncols=3)
    yield Picture(
        "training",
        "Loss (upper) and validation AUC (lower) of the first run of each row, in the order of the "
        "ranking; dotted lines separate the phases, the dot is the epoch whose weights were kept. Scales "
        "differ between panels. Better: low validation loss close to the training loss, AUC high and "
        "steady. Validation films come from the training set: a high AUC here does not imply a high one "
        "on the test films." + (f" {CHOSEN_ON_TEST}" if on_test else ""),
        figure,
    )


def _scope(rows: Sequence[Row]) -> str:
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    if len(protocols) == 1:
        kinds = " and ".join(dict.fromkeys(chosen_on(row) for row in rows))
        return f"first runs · protocol {protocols[0]} · training and {kinds} films"
    return "first runs · protocol official if no other is named · training and validation films"


def _name(row: Row) -> str:
    name = style.fold(row.name, 30)
    if row.protocol == OFFICIAL:
        return name
    return f"{name}\n({row.protocol}{': test films' if row.chooses_on_test else ''})"
