"""Errors on a full card: their classes, whether runs recognise them, and the batch that fits."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import tensorflow as tf

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.doctor.trial import describe_error, make_trial
from benchmarks.recipes import recipe
from pneumo_tf.costs.hardware import gpus, resolve_precision
from pneumo_tf.training.memory import is_out_of_memory
from pneumo_tf.training.step import Predictor

LIMIT_MB = 6144
"""Memory that this process may use of the card."""

MOST_MICRO_BATCHES = 64
BLOCK_MB = 8


def measure(step_input: StepInput) -> Iterator[Row]:
    """Split a batch of 512 that does not fit, then fill the card and predict."""
    card = tf.config.list_physical_devices("GPU")[0]
    limit = tf.config.LogicalDeviceConfiguration(memory_limit=LIMIT_MB)
    tf.config.set_logical_device_configuration(card, [limit])
    chosen = replace(recipe("resnet50v2"), size=224, batch=512)
    precision = resolve_precision("auto", gpus()[0])

    def train(micro_batches: int, *, xla: bool = False) -> None:
        trial = make_trial(chosen, chosen.phases[-1], precision, xla=xla, micro_batches=micro_batches)
        trial.run().numpy()

    yield from split_until_it_fits(train, MOST_MICRO_BATCHES)
    yield attempt("training step with XLA, whole batch", lambda: train(1, xla=True))
    yield predict_when_full(precision)


def split_until_it_fits(train: Callable[[int], None], most: int) -> Iterator[Row]:
    """Train with 1, 2, 4 … micro-batches until a step fits into memory; yield a row for each attempt.

    Args:
        train: Function that trains with a number of micro-batches.
        most: Most micro-batches.
    """
    number, fits = 1, False
    while not fits and number <= most:
        row = attempt(f"training step in {number} micro-batches", lambda number=number: train(number))
        fits = not row["error"]
        if not fits and number == most:
            row["problem"] = f"a batch does not fit even in {most} micro-batches: {row['error']}"
        yield row | {"micro_batches": number, "device_mb_after": _current_mb()}
        number *= 2


def attempt(what: str, work: Callable[[], None]) -> Row:
    """Run `work`; return the error that it raised, and whether a run would recognise it as a full card."""
    try:
        work()
    except (tf.errors.OpError, MemoryError) as error:
        row = {"what": what, **describe_error(error), "recognised": is_out_of_memory(error)}
        if not row["recognised"]:
            row["problem"] = f"{what}: a run would fail with {row['error']}: {row['message']}"
        return row
    return {"what": what, "error": "", "message": "", "recognised": None}


def predict_when_full(precision: str) -> Row:
    """Fill what is left of the device with blocks, then predict films in host memory."""
    chosen = replace(recipe("mobilenetv2_robust"), size=128, batch=1)
    model, blocks = make_trial(chosen, chosen.phases[-1], precision).model, []
    predict = Predictor(model)
    films = np.zeros((predict.batch, 128, 128), np.uint8)
    predict(films, np.arange(1))
    try:
        while True:
            blocks.append(tf.random.stateless_uniform((BLOCK_MB << 18,), seed=(0, 0)))
    except tf.errors.OpError as error:
        filled = type(error).__name__
    row = attempt("prediction on a full card", lambda: predict(films, np.arange(len(films))))
    return row | {"filled_until": filled, "device_mb_after": _current_mb()}


def _current_mb() -> float | None:
    if not tf.config.list_logical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["current"] / 2**20
