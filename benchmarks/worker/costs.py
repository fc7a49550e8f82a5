"""Costs of training a run and of using its model: figures for `costs.json`."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from benchmarks.worker.assignment import Assignment
from pneumo_tf.costs.flops import forward_flops
from pneumo_tf.costs.hardware import Gpu, energy_joules, gpus
from pneumo_tf.costs.peak_flops import peak_flops
from pneumo_tf.errors import UserError
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.training.harness import Trained
from pneumo_tf.training.step import Predictor


@dataclass(frozen=True)
class Training:
    """How training went.

    Args:
        trained: Result of the harness.
        micro_batches: Number of micro-batches that batches were split into.
        joules: Energy of the GPU, None where it is not known.
    """

    trained: Trained
    micro_batches: int
    joules: float | None


class EnergyMeter:
    """Measures the energy of a run's GPU from when it is made."""

    def __init__(self, assignment: Assignment) -> None:
        # The GPU of the assignment is the only one that this process may see.
        self._gpu = only_gpu() if assignment.gpu else None
        self._before = self._read()

    def joules(self) -> float | None:
        """Return the energy so far; None on a CPU, and if the counter does not measure this run alone."""
        after = self._read()
        return None if None in (self._before, after) else after - self._before

    def _read(self) -> float | None:
        return energy_joules(self._gpu) if self._gpu else None


def only_gpu() -> Gpu | None:
    """Return the GPU of this process; None if NVML does not answer, which must not end a run."""
    try:
        return next(iter(gpus()), None)
    except UserError:
        return None


def costs_of_training(training: Training, spec: RunSpec, assignment: Assignment) -> dict[str, Any]:
    """Figures of training; None where a figure is not known."""
    trained = training.trained
    memory = tf.config.experimental.get_memory_info("GPU:0") if assignment.gpu else None
    return {
        "trace_seconds": trained.trace_seconds,
        "validation_seconds": trained.validation_seconds,
        "trained_films_per_second": trained.films_per_second,
        "wait_share": trained.wait_share,
        "features_reused": trained.features_reused,
        "flops_per_second": trained.flops_per_second,
        "peak_flops_per_second": peak_flops(assignment.device, spec.precision),
        "energy_joules": training.joules,
        "peak_device_mb": memory["peak"] / 2**20 if memory else None,
        "batch": spec.recipe.batch,
        "micro_batches": training.micro_batches,
        "epochs": len(trained.history),
        "kept_epoch": trained.kept_epoch,
    }


def costs_of_use(model: keras.Model, predict: Predictor, pixels: np.ndarray) -> dict[str, Any]:
    """Figures of inference, measured in about a second."""
    milliseconds = latencies(predict, pixels) * 1000
    throughput = best_throughput(predict, pixels)
    return {
        "parameters": model.count_params(),
        "flops_per_film": forward_flops(model),
        "latency_ms": float(np.median(milliseconds)),
        "latency_p95_ms": float(np.percentile(milliseconds, 95)),
        "films_per_second": throughput.films_per_second,
        "films_per_second_batch": throughput.batch,
    }


LATENCY_CALLS, FEWEST_CALLS, LATENCY_SECONDS = 200, 20, 0.5
BATCHES, REPEATS, BATCH_SECONDS = (8, 32, 128, 512), 3, 0.35


class Throughput(NamedTuple):
    """Films in batches.

    Args:
        films_per_second: From memory to logits.
        batch: Films at a time.
    """

    films_per_second: float
    batch: int


def latencies(predict: Predictor, pixels: np.ndarray) -> np.ndarray:
    """Times single films.

    Args:
        predict: The model.
        pixels: (n, side, side) uint8.

    Returns:
        Seconds from memory to logits, one for each of 20 to 200 calls, as many as half a second takes.
    """
    # The first calls of a new batch size are slower: memory is found for it.
    for _ in range(2):
        _seconds(predict, pixels, 1)
    times: list[float] = []
    while len(times) < FEWEST_CALLS or (len(times) < LATENCY_CALLS and sum(times) < LATENCY_SECONDS):
        times.append(_seconds(predict, pixels, 1))
    return np.array(times)


def best_throughput(predict: Predictor, pixels: np.ndarray) -> Throughput:
    """Tries batches of growing size, up to the predictor's own and while one takes about a third of a second.

    Args:
        predict: The model.
        pixels: (n, side, side) uint8.

    Returns:
        The fastest, by the median of three calls.
    """
    best = Throughput(0.0, 0)
    for batch in sorted({min(size, predict.batch) for size in BATCHES}):
        if batch > BATCH_SECONDS * best.films_per_second and best.batch:
            break
        _seconds(predict, pixels, batch)
        seconds = float(np.median([_seconds(predict, pixels, batch) for _ in range(REPEATS)]))
        best = max(best, Throughput(batch / seconds, batch))
    return best


def _seconds(predict: Predictor, pixels: np.ndarray, batch: int) -> float:
    rows = np.arange(batch) % len(pixels)
    started = perf_counter()
    predict(pixels, rows)
    return perf_counter() - started
