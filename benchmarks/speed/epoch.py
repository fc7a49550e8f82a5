"""One epoch through the pipeline in its own process: `python -m benchmarks.speed.epoch MAP`."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.speed.pipeline import BATCH, TWO_PHASE
from pneumo_tf.data.batches import training_batches


def main(path: Path) -> None:
    """Print films per second and the peak of anonymous memory, MiB, as JSON.

    Args:
        path: NumPy file of films, (n, side, side) uint8.
    """
    pixels = np.load(path, mmap_mode="r")
    recipe = replace(TWO_PHASE, size=pixels.shape[1], batch=BATCH)
    order, labels = np.random.default_rng(0).permutation(len(pixels)), np.zeros(len(pixels), np.int8)
    for _ in training_batches(recipe, pixels, order[: 4 * BATCH], labels, 0, 0, 0):
        pass
    started = time.perf_counter()
    held = [_anonymous_mb() for _ in training_batches(recipe, pixels, order, labels, 0, 0, 1)]
    seconds = time.perf_counter() - started
    most = None if None in held else max(held)
    print(json.dumps({"films_per_second": len(pixels) / seconds, "anonymous_mb": most}))


def _anonymous_mb() -> float | None:
    """Return anonymous memory, without pages of mapped files, which the kernel may drop."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("RssAnon"))
    except OSError:
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
