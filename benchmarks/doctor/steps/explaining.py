"""Explanations and predictions while another process holds nearly all memory of the card."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.doctor.steps.full_card import attempt
from benchmarks.doctor.trial import make_trial
from benchmarks.recipes import recipe
from pneumo_tf.costs.hardware import gpus, resolve_precision
from pneumo_tf.errors import UserError
from pneumo_tf.explain.explainer import Explainer
from pneumo_tf.explain.randomization import randomize_weights
from pneumo_tf.explain.record import MEASURED
from pneumo_tf.training.device import prepare_tensorflow
from pneumo_tf.training.step import Predictor

FREE_MB = 300
FILMS = 8


def measure(step_input: StepInput) -> Iterator[Row]:
    """Use a model before and after the rest of the card is filled."""
    prepare_tensorflow()
    yield from explain_everything(
        "mobilenetv2_robust", 224, resolve_precision("auto", gpus()[0]), fill_card(FREE_MB)
    )


def explain_everything(
    name: str, size: int, precision: str, full: contextlib.AbstractContextManager
) -> Iterator[Row]:
    """Predict, then fill the card and predict, explain and randomize weights.

    Args:
        name: Recipe.
        size: Side of the films, pixels.
        precision: Keras dtype policy.
        full: Context within which the card is full.
    """
    chosen = replace(recipe(name), size=size, batch=FILMS)
    model = make_trial(chosen, chosen.phases[-1], precision).model
    films = np.random.default_rng(0).integers(0, 256, (FILMS, size, size), np.uint8)
    predict, rows = Predictor(model), np.arange(FILMS)
    yield attempt("prediction before", lambda: predict(films, rows))
    with full:
        yield attempt("prediction on a full card", lambda: predict(films, rows))
        yield attempt("explanation by every method", lambda: Explainer(model, MEASURED)(films))
        yield attempt("weight randomization", lambda: randomize_weights(model, films, steps=2))


@contextlib.contextmanager
def fill_card(free_mb: int) -> Iterator[None]:
    """Let another process hold all but `free_mb` of the card's memory until the block ends.

    Raises:
        UserError: If that process fails.
    """
    command = [sys.executable, "-m", "benchmarks.doctor.card_filler", str(free_mb)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as filler:
        if "full" not in filler.stdout.readline():
            raise UserError("the card cannot be filled; the log has the reason")
        yield
