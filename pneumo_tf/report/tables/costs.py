"""The tables of what runs took and what their models take: time, arithmetic, memory, energy and speed."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pneumo_tf.report.board import Row
from pneumo_tf.report.markdown import Table, join_names
from pneumo_tf.report.number_format import DASH, format_number
from pneumo_tf.report.standings import Standing

TIME_LEAD = (
    "Means over seeds. Start: from the order to a worker that can work; films: reading and decoding. First "
    "calls, which compile, and validation are parts of training. What scikit-learn fits has fewer stages."
)
TRAINING_LEAD = (
    "Means over seeds, the largest peaks of memory. Films/s: in steady epochs, without the first of each "
    "phase, once features of frozen layers are there. Waiting: share of the time without a batch to work on. "
    "Features reused: share of those of frozen layers that an earlier run had computed; they cost this one "
    "nothing. GFLOP/s: arithmetic of the steps over their time; layers that are trained count 3 × their "
    "forward pass, frozen ones 1 × whenever films pass them, a multiply-add 2. Peak: what NVIDIA states for "
    "dense matrices in that precision. Energy: of the whole card, for 1,000 films trained on. Peak, energy "
    "and GPU memory are known of NVIDIA GPUs alone."
)
USE_LEAD = (
    "Means over seeds, from memory to logits on the device of the training: one film at a time, and in the "
    "fastest of a few batches. GFLOPs: of the forward pass, a multiply-add counting 2."
)

Cost = dict[str, Any]


class Column(NamedTuple):
    """A column of a table.

    Args:
        title: Its heading.
        cell: What it says of a row, `DASH` where the row's runs do not know.
    """

    title: str
    cell: Callable[[Row], str]


def time(ranked: Sequence[Standing]) -> Table:
    """Seconds of each stage of a run."""
    return _table([standing.row for standing in ranked], TIME)


def training(ranked: Sequence[Standing]) -> Table:
    """Speed, arithmetic, energy and memory of training."""
    return _table(_networks(ranked), TRAINING)


def use(ranked: Sequence[Standing]) -> Table:
    """Size and speed of a trained model."""
    return _table(_networks(ranked), USE)


def devices(row: Row) -> list[str]:
    """Where the runs of a row ran."""
    return sorted({environment["device"] for environment in row.environments if "device" in environment})


def mean_cost(row: Row, of: Callable[[Cost], float | None]) -> float | None:
    """Mean over the runs of a row that know a figure, None where none does."""
    values = [value for value in map(of, row.costs) if value is not None]
    return float(np.mean(values)) if values else None


def watt_hours(cost: Cost) -> float | None:
    """Energy of the GPU for 1,000 films trained on, Wh."""
    if cost.get("energy_joules") is None:
        return None
    return cost["energy_joules"] / 3600 / (cost["epochs"] * cost["train_films"] / 1000)


def _networks(ranked: Sequence[Standing]) -> list[Row]:
    return [standing.row for standing in ranked if not standing.row.trivial]


def _table(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    """A line for each row; a column that no row fills is named below instead."""
    cells = {column.title: [column.cell(row) for row in rows] for column in columns}
    empty = [title for title, column in cells.items() if set(column) == {DASH}]
    shown = [title for title in cells if title not in empty]
    lines = [(row.name, *(cells[title][index] for title in shown)) for index, row in enumerate(rows)]
    notes = [f"{DASH} not measured in the runs of that row."] if any(DASH in line for line in lines) else []
    if empty:
        notes.append(f"Columns left out, measured in no run of this board: {join_names(empty)}.")
    return Table(("Recipe", *shown), lines if shown else [], notes)


def _seconds(*stages: str) -> Callable[[Row], str]:
    def of(cost: Cost) -> float | None:
        known = [cost["seconds"][stage] for stage in stages if stage in cost.get("seconds", {})]
        return sum(known) if known else None

    return lambda row: _duration(mean_cost(row, of))


def _figure(name: str, decimals: int, unit: float = 1.0) -> Callable[[Row], str]:
    def of(cost: Cost) -> float | None:
        return None if cost.get(name) is None else cost[name] / unit

    return lambda row: format_number(mean_cost(row, of), decimals)


def _part(name: str) -> Callable[[Row], str]:
    return lambda row: _duration(mean_cost(row, lambda cost: cost.get(name)))


def _percent(of: Callable[[Cost], float | None]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        share = mean_cost(row, of)
        return DASH if share is None else f"{format_number(100 * share, 1 if share < 0.1 else 0)} %"

    return cell


def _share_of_peak(cost: Cost) -> float | None:
    achieved, peak = cost.get("flops_per_second"), cost.get("peak_flops_per_second")
    return None if None in (achieved, peak) else achieved / peak


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    if seconds < 100:
        return f"{seconds:.{int(seconds < 10)}f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _memory(name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        values = [cost[name] for cost in row.costs if cost.get(name) is not None]
        return f"{max(values) / 1000:.1f} GB" if values else DASH

    return cell


def _batches_of_use(row: Row) -> str:
    sizes = {cost["films_per_second_batch"] for cost in row.costs if "films_per_second_batch" in cost}
    return ", ".join(map(str, sorted(sizes))) or DASH


def _batch(row: Row) -> str:
    batches = {(cost["batch"], cost.get("micro_batches", 1)) for cost in row.costs if "batch" in cost}
    shown = [str(size) if parts == 1 else f"{size} in {parts} parts" for size, parts in sorted(batches)]
    return ", ".join(shown) or DASH


TIME = (
    Column("Start", _seconds("start")),
    Column("Films", _seconds("data", "decode")),
    Column("Build", _seconds("build")),
    Column("Training", _seconds("train")),
    Column("First calls", _part("trace_seconds")),
    Column("Validation", _part("validation_seconds")),
    Column("Scoring", _seconds("predict")),
    Column("Explaining", _seconds("explain")),
    Column("Saving", _seconds("save")),
    Column("In all", _seconds("total")),
)
TRAINING = (
    Column("Films/s", _figure("trained_films_per_second", 0)),
    Column("Waiting", _percent(lambda cost: cost.get("wait_share"))),
    Column("Features reused", _percent(lambda cost: cost.get("features_reused"))),
    Column("GFLOP/s", _figure("flops_per_second", 0, 1e9)),
    Column("Share of peak", _percent(_share_of_peak)),
    Column("Energy (Wh)", lambda row: format_number(mean_cost(row, watt_hours), 2)),
    Column("Host memory", _memory("peak_host_mb")),
    Column("GPU memory", _memory("peak_device_mb")),
    Column("Batch", _batch),
    Column("Device", lambda row: " and ".join(devices(row)) or DASH),
    Column("Precision", lambda row: " and ".join(sorted({spec.precision for spec in row.specs}))),
)
USE = (
    Column("Parameters", _figure("parameters", 0)),
    Column("GFLOPs a film", _figure("flops_per_film", 2, 1e9)),
    Column("Latency, median (ms)", _figure("latency_ms", 1)),
    Column("Latency, 95th percentile (ms)", _figure("latency_p95_ms", 1)),
    Column("Best films/s", _figure("films_per_second", 0)),
    Column("Batch", _batches_of_use),
)
