"""The table of training costs: speed, arithmetic, energy and memory."""

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number
from pneumo_tf.report.tables.cost_columns import (
    Column,
    Cost,
    costs_table,
    figure,
    largest_gigabytes,
    mean_cost,
    percent,
)

LEAD = (
    "Means over seeds, the largest peaks of memory. Films/s: in steady epochs, without the first of each "
    "phase, with features of frozen layers in the cache. Waiting: share of the time spent waiting for a "
    "batch. Features reused: share of those of frozen layers that an earlier run had computed. GFLOP/s: "
    "arithmetic of the steps over their time; trainable layers count 3 × their forward pass, frozen ones 1 "
    "× per pass, a multiply-add 2. Peak: what NVIDIA states for dense matrices in that precision. Energy: "
    "of the whole card, for 1,000 films trained on. Peak, energy and GPU memory are measured on NVIDIA "
    "GPUs alone."
)


def training_cost_table(board: Board) -> Table:
    """Return a table with a line for each ranked network."""
    return costs_table([row for row in board.ranking if not row.trivial], COLUMNS)


def watt_hours(cost: Cost) -> float | None:
    """Return the energy of the GPU per 1,000 training films, Wh."""
    if cost.get("energy_joules") is None:
        return None
    return cost["energy_joules"] / 3600 / (cost["epochs"] * cost["train_films"] / 1000)


def _share_of_peak(cost: Cost) -> float | None:
    achieved, peak = cost.get("flops_per_second"), cost.get("peak_flops_per_second")
    return None if None in (achieved, peak) else achieved / peak


def _batch(row: Row) -> str:
    batches = {(cost["batch"], cost.get("micro_batches", 1)) for cost in row.costs if "batch" in cost}
    shown = [
        str(size) if number == 1 else f"{size} in {number} micro-batches" for size, number in sorted(batches)
    ]
    return ", ".join(shown) or DASH


COLUMNS = (
    Column("Films/s", figure("trained_films_per_second", 0)),
    Column("Waiting", percent(lambda cost: cost.get("wait_share"))),
    Column("Features reused", percent(lambda cost: cost.get("features_reused"))),
    Column("GFLOP/s", figure("flops_per_second", 0, 1e9)),
    Column("Share of peak", percent(_share_of_peak)),
    Column("Energy (Wh)", lambda row: format_number(mean_cost(row, watt_hours), 2)),
    Column("Host memory", largest_gigabytes("peak_host_mb")),
    Column("GPU memory", largest_gigabytes("peak_device_mb")),
    Column("Batch", _batch),
    Column("Device", lambda row: " and ".join(row.devices) or DASH),
    Column("Precision", lambda row: " and ".join(sorted({spec.precision for spec in row.specs}))),
)
