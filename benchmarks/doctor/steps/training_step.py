"""Time and memory of a training step of each backbone, on a batch that stays on the device."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.doctor.trial import describe_error, make_trial, measure_power, peak_mb, reset_peak, time_trial
from benchmarks.recipes import recipe
from pneumo_tf.costs.hardware import gpus, resolve_precision
from pneumo_tf.costs.peak_flops import peak_flops
from pneumo_tf.recipe import Phase
from pneumo_tf.training.device import prepare_tensorflow


class Subject(NamedTuple):
    """A recipe, with the film size and batch of its trial.

    Args:
        name: Recipe.
        size: Side of the films, pixels.
        batch: Films of a step.
    """

    name: str
    size: int
    batch: int


ON_GPU = (
    Subject("mobilenetv2_robust", 128, 32),
    Subject("resnet18_transfer", 224, 32),
    Subject("resnet50v2", 224, 256),
    Subject("densenet121", 224, 128),
    Subject("vgg16", 224, 128),
    Subject("convnext_base", 224, 64),
)
ON_CPU = (Subject("custom_cnn", 64, 16), Subject("regularized_cnn", 64, 16))

TIMED_SECONDS = {True: 1.0, False: 0.3}
"""Time spent on timed steps of one trial, with and without a GPU."""

NEEDED_SECONDS = {True: 12.0, False: 2.0}
"""Least time left for which another trial is started."""


def measure(step_input: StepInput) -> Iterator[Row]:
    """Measure steps as the recipes define them, then with plain gradient descent.

    The difference is an upper bound of the time that a fused optimiser could save.
    """
    yield from _measure_all(step_input, "plain")
    if step_input.gpu:
        yield from _measure_all(step_input, "gradient descent", descent=True)


def measure_xla(step_input: StepInput) -> Iterator[Row]:
    """Measure steps that XLA compiles."""
    yield from _measure_all(step_input, "xla", xla=True)


def _measure_all(
    step_input: StepInput, variant: str, *, xla: bool = False, descent: bool = False
) -> Iterator[Row]:
    prepare_tensorflow()
    for subject in ON_GPU if step_input.gpu else ON_CPU:
        row: Row = {"recipe": subject.name, "variant": variant}
        if step_input.seconds_left < NEEDED_SECONDS[step_input.gpu]:
            yield row | {"error": "no time left"}
            continue
        try:
            yield row | measure_subject(subject, gpu=step_input.gpu, xla=xla, descent=descent)
        # An error is a result: it shows which backbones fail under XLA, or do not fit.
        except Exception as error:
            found = describe_error(error)
            reason = f"{subject.name}, {variant}: {found['error']}: {found['message']}"
            yield row | found | {"problem": reason}


def measure_subject(subject: Subject, *, gpu: bool, xla: bool, descent: bool = False) -> Row:
    """Measure one recipe in the precision that a run would use.

    Args:
        subject: What to measure.
        gpu: Whether it is measured on a GPU.
        xla: Compile with XLA.
        descent: Use plain gradient descent in place of the recipe's optimiser.

    Returns:
        Milliseconds of a step, films per second, seconds of the first call, peak of device memory (MiB),
        power, energy of a film, and share of the device's peak arithmetic.
    """
    card = gpus()[0] if gpu else None
    precision = resolve_precision("auto", card)
    chosen = replace(recipe(subject.name), size=subject.size, batch=subject.batch)
    phase = chosen.phases[-1]
    if descent:
        phase = Phase(phase.epochs, 1e-6, phase.train, phase.batch_norm, optimizer="sgd")
    trial = make_trial(chosen, phase, precision, xla=xla)
    # Only now: making a trial frees the memory of the last one.
    reset_peak(gpu=gpu)
    loss = float(trial.run())
    (seconds, steps), watts = measure_power(card, lambda: time_trial(trial, seconds=TIMED_SECONDS[gpu]))
    flops, peak = trial.film_flops, peak_flops(card.name, precision) if card else None
    return {
        "size": trial.films.shape[1],
        "batch": chosen.batch,
        "precision": precision,
        "first_call_s": trial.step.function.trace_seconds,
        "step_ms": 1000 * seconds,
        "films_per_second": chosen.batch / seconds,
        "steps": steps,
        "peak_device_mb": peak_mb(gpu=gpu),
        "watts": watts,
        "joules_per_film": None if watts is None else watts * seconds / chosen.batch,
        "share_of_peak": flops * chosen.batch / seconds / peak if flops and peak else None,
        "first_loss": loss,
    }
