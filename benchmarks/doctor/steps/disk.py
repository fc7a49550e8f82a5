"""Free space and write speed of the disks that runs write to."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.doctor.step_input import Row, StepInput
from pneumo_tf.models.weights_file import keras_models_folder

LEAST_FREE_GB = 5.0
"""Free space below which the core suite is likely to fill the disk."""

WRITTEN_MB = 16


def measure(step_input: StepInput) -> Iterator[Row]:
    """Measure the folders of results, of initial weights and of temporary files."""
    yield check_folder("results (working folder)", Path.cwd())
    yield check_folder("initial weights", keras_models_folder())
    yield check_folder("temporary files", Path(tempfile.gettempdir()))


def check_folder(name: str, folder: Path) -> Row:
    """Measure the free space of a folder, and its write speed if it can be written.

    Args:
        name: Its name in the table.
        folder: The folder; one that does not exist yet is measured at its nearest parent.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    row: Row = {"folder": name, "free_gb": free, "written_mb_per_second": None}
    try:
        row["written_mb_per_second"] = _write_speed(folder)
    except OSError as error:
        return row | {"problem": f"{name}: cannot be written ({error.strerror})"}
    if free < LEAST_FREE_GB:
        row["problem"] = f"{name}: {free:.1f} GB free; free at least {LEAST_FREE_GB:.0f} GB"
    return row


def _write_speed(folder: Path) -> float:
    block = os.urandom(WRITTEN_MB << 20)
    with tempfile.TemporaryFile(dir=folder) as file:
        started = time.perf_counter()
        file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return len(block) / 1e6 / (time.perf_counter() - started)
