"""The table of what runs took: time, memory and speed, and on which device."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pneumo_tf.report.board import Standing
from pneumo_tf.report.markdown import DASH, Table, number
from pneumo_tf.report.rows import Row


def costs(ranked: Sequence[Standing]) -> Table:
    """What a run took, means over seeds."""
    header = ("Recipe", "Parameters", "Training", "Films/s", "Latency (ms)", "Peak memory", "Batch")
    cells = [
        (
            row.name,
            number(_mean(row, lambda cost: cost.get("parameters")), 0),
            _duration(_mean(row, lambda cost: cost.get("seconds", {}).get("train"))),
            number(_mean(row, lambda cost: cost.get("trained_films_per_second")), 1),
            number(_mean(row, lambda cost: cost.get("latency_ms")), 1),
            _memory(row),
            _batch(row),
            " and ".join(devices(row)) or DASH,
            " and ".join(sorted({spec.precision for spec in row.specs})),
        )
        for row in (standing.row for standing in ranked)
    ]
    notes = [f"{DASH} not measured; rows that scikit-learn fits have no batch, speed or latency to measure."]
    missing = any(DASH in row for row in cells)
    return Table((*header, "Device", "Precision"), cells, notes if missing else ())


def devices(row: Row) -> list[str]:
    """Where the runs of a row ran."""
    return sorted({environment["device"] for environment in row.environments if "device" in environment})


def _mean(row: Row, of: Callable[[dict[str, Any]], float | None]) -> float | None:
    values = [value for value in map(of, row.costs) if value is not None]
    return float(np.mean(values)) if values else None


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _memory(row: Row) -> str:
    for key, where in (("peak_device_mb", "GPU"), ("peak_host_mb", "host")):
        values = [cost[key] for cost in row.costs if cost.get(key) is not None]
        if values:
            return f"{max(values) / 1000:.1f} GB {where}"
    return DASH


def _batch(row: Row) -> str:
    batches = {(cost["batch"], cost.get("micro_batches", 1)) for cost in row.costs if "batch" in cost}
    shown = [str(size) if parts == 1 else f"{size} in {parts} parts" for size, parts in sorted(batches)]
    return ", ".join(shown) or DASH
