"""Commands that compute request memory growth before anything can open a GPU."""

import argparse
import contextlib
import gc
import importlib
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager.context import Context, context

from benchmarks.doctor import card_filler
from benchmarks.doctor.registry import STEPS
from benchmarks.doctor.step_input import StepInput
from benchmarks.speed import __main__ as speed
from benchmarks.views import study
from benchmarks.worker import finished_run, gpu_check, settings, training_run
from pneumo_tf.data import batches
from pneumo_tf.recipe import Augment, Phase, Recipe
from tests.costs.fake_nvml import FakeNvml

LIMITED = "full_card"
"""The step that takes a part of the card, which TensorFlow refuses together with growth."""

WITHOUT_TENSORFLOW = {"machine", "disk", "weights"}
IN_A_WORKER = {"tiny_run"}


class Touched(BaseException):
    """TensorFlow was about to open its devices; no handler of errors takes it for a result."""


class Run:
    """A run under way that needs the device for its films already."""

    spec = SimpleNamespace(seed=0, precision="float32", recipe=None)
    clock = SimpleNamespace(stage=lambda name: contextlib.nullcontext())
    assignment = SimpleNamespace(gpu=True, threads=1)
    folder = SimpleNamespace(model=Path(__file__))

    @property
    def pixels(self):
        return tf.constant(1)


def start_speed():
    speed.main(["--only", "b", "--data", "no such folder"])
    tf.constant(1)


def start_views():
    given = argparse.Namespace(seeds=2, data=Path(), out=Path(), size=32, films=None, weights=None)
    study.measure_views(given)


def start_step(name):
    module, function = STEPS[name].function.split(":")
    measure = getattr(importlib.import_module(module), function)
    return lambda: list(measure(StepInput(gpu=True, ends=time.monotonic() + 600)))


COMMANDS = {
    "training": lambda: training_run.run_network(Run()),
    "scoring and explaining": lambda: finished_run.load_finished(Run()),
    "speed": start_speed,
    "views": start_views,
    "probe": gpu_check.main,
    "card filler": card_filler.main,
} | {f"doctor: {name}": start_step(name) for name in STEPS if name not in WITHOUT_TENSORFLOW | IN_A_WORKER}


@pytest.fixture
def calls(monkeypatch):
    """Calls of TensorFlow's devices, in order: growth, a limit, and at last their opening."""
    calls = []

    def touch(*_):
        calls.append("touched")
        raise Touched

    config = tf.config
    monkeypatch.setattr(config, "list_physical_devices", lambda kind=None: ["fake"])
    monkeypatch.setattr(config.experimental, "set_memory_growth", lambda *it: calls.append(it))
    monkeypatch.setattr(config, "set_logical_device_configuration", lambda *it: calls.append(it))
    monkeypatch.setattr(config.threading, "set_intra_op_parallelism_threads", lambda count: None)
    monkeypatch.setattr(config.threading, "set_inter_op_parallelism_threads", lambda count: None)
    monkeypatch.setattr(study, "find", lambda *_: Path())
    monkeypatch.setattr(study, "_read_films", touch)
    monkeypatch.setattr(finished_run, "load_saved_model", touch)
    monkeypatch.setattr(sys, "argv", ["card_filler", "300"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    FakeNvml(("GPU-a",)).install(monkeypatch)
    # A function of an earlier test that is deleted now would open the devices too.
    gc.collect()
    gc.disable()
    monkeypatch.setattr(Context, "ensure_initialized", touch)
    yield calls
    gc.enable()


@pytest.mark.parametrize("command", COMMANDS)
def test_growth_is_requested_before_any_constant(command, calls):
    with pytest.raises(Touched):
        COMMANDS[command]()
    first, *others = calls
    assert others == ["touched"]
    if command.endswith(LIMITED):
        device, (limit,) = first
        assert (device, limit.memory_limit) == ("fake", 6144)
    else:
        assert first == ("fake", True)


def test_every_command_counts_gpus_as_nvml_does():
    """Otherwise TensorFlow's first GPU, the fastest, is not the one whose name and peak are reported."""
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_tf32_is_off_in_a_worker(monkeypatch):
    tf.config.experimental.enable_tensor_float_32_execution(True)
    gpu_check.prepare_tensorflow()
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert settings.describe_settings(SimpleNamespace(gpu=False))["tf32"] == "off"


def test_the_constants_of_the_pipeline_are_made_on_the_cpu(monkeypatch):
    calls, constant = [], tf.constant

    def record(value):
        calls.append(context().device_name)
        return constant(value)

    monkeypatch.setattr(batches.tf, "constant", record)
    recipe = Recipe(
        "x", "conv3_gray", (Phase(epochs=1, learning_rate=1e-3),), size=32, augment=Augment(rotation=5)
    )
    pixels = np.zeros((4, 32, 32), np.uint8)
    batches.training_batches(recipe, pixels, np.arange(4), np.zeros(4), 0, 0, 0)
    assert calls and all("CPU:0" in name for name in calls)
