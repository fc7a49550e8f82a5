"""Costs of training and of inference, as stored in `costs.json`."""

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
    """Result and costs of a training.

    Args:
        trained: Result of the harness.
        micro_batches: Number of micro-batches that batches were split into.
        joules: Energy of the GPU, None if unknown.
    """

    trained: Trained
    micro_batches: int
    joules: float | None


class EnergyMeter:
    """Meter of the energy that a run's GPU uses after the meter is created."""

    def __init__(self, assignment: Assignment) -> None:
        # The GPU of the assignment is the only one that this process may see.
        self._gpu = find_own_gpu() if assignment.gpu else None
        self._before = self._read()

    def joules(self) -> float | None:
        """Return the energy so far; None on a CPU, and if other processes share the counter."""
        after = self._read()
        return None if None in (self._before, after) else after - self._before

    def _read(self) -> float | None:
        return energy_joules(self._gpu) if self._gpu else None


def find_own_gpu() -> Gpu | None:
    """Return the GPU of this process; None if NVML fails, which must not end a run."""
    try:
        return next(iter(gpus()), None)
    except UserError:
        return None


def training_costs(training: Training, spec: RunSpec, assignment: Assignment) -> dict[str, Any]:
    """Return the costs of training; None for unknown values."""
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


def measure_inference(model: keras.Model, predict: Predictor, pixels: np.ndarray) -> dict[str, Any]:
    """Measure the costs of inference, in about a second."""
    milliseconds = measure_latencies(predict, pixels) * 1000
    throughput = measure_throughput(predict, pixels)
    return {
        "parameters": model.count_params(),
        "flops_per_film": forward_flops(model),
        "latency_ms": float(np.median(milliseconds)),
        "latency_p95_ms": float(np.percentile(milliseconds, 95)),
        "films_per_second": throughput.films_per_second,
        "films_per_second_batch": throughput.batch,
    }


LATENCY_CALLS, LEAST_CALLS, LATENCY_SECONDS = 200, 20, 0.5
BATCHES, REPEATS, BATCH_SECONDS = (8, 32, 128, 512), 3, 0.35


class Throughput(NamedTuple):
    """Speed of inference in batches.

    Args:
        films_per_second: Films per second, from host memory to logits.
        batch: Films per batch.
    """

    films_per_second: float
    batch: int


def measure_latencies(predict: Predictor, pixels: np.ndarray) -> np.ndarray:
    """Measure the latency of single films.

    Args:
        predict: Compiled predictor of the model.
        pixels: (n, side, side) uint8.

    Returns:
        Seconds from host memory to logits of each call: 200 calls, or as many as fit into half a second, at
        least 20.
    """
    # The first calls with a new batch size are slower, because memory is allocated.
    for _ in range(2):
        _seconds(predict, pixels, 1)
    times: list[float] = []
    while len(times) < LEAST_CALLS or (len(times) < LATENCY_CALLS and sum(times) < LATENCY_SECONDS):
        times.append(_seconds(predict, pixels, 1))
    return np.array(times)


def measure_throughput(predict: Predictor, pixels: np.ndarray) -> Throughput:
    """Measure batches of growing size, up to that of the predictor or a third of a second.

    Args:
        predict: Compiled predictor of the model.
        pixels: (n, side, side) uint8.

    Returns:
        Throughput of the fastest size, by the median of three calls.
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
