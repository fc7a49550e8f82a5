"""How fast a model answers: one film at a time, and in batches."""

from time import perf_counter
from typing import NamedTuple

import numpy as np

from pneumo_tf.training.step import Predictor

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
