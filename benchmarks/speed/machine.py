"""The machine of a measurement, and whether it was busy; without TensorFlow."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from pneumo_tf.costs.hardware import cores, gpus, memory_mb

PACKAGES = ("tensorflow", "keras", "numpy")
BUSY_LOAD = 0.25
"""Limit on the load per core before the start; above it, timings are unreliable."""


def describe_machine() -> dict[str, Any]:
    """Return date, processor, cores, free memory (GB), device, versions and load per core."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": _processor(),
        "cores": cores(),
        "free_gb": round(memory_mb() / 1024),
        "device": ", ".join(gpu.name for gpu in gpus()) or "CPU, no NVIDIA GPU",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "load_per_core": round(os.getloadavg()[0] / cores(), 2),
    }


def format_machine(machine: dict[str, Any]) -> str:
    """Return a description from `describe_machine` as one line."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['date']}; {machine['device']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['free_gb']} GB free; {versions}"
    )


def warn_if_busy(machine: dict[str, Any]) -> str:
    """Return one line if the machine was busy before the start, otherwise an empty one."""
    if machine["load_per_core"] <= BUSY_LOAD:
        return ""
    return (
        f"The machine was busy before the start (load {machine['load_per_core']} per core): "
        "ratios are noisy, seconds unreliable."
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
