"""Commands that compute ask for memory growth before anything can touch a GPU."""

import argparse
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager.context import context

from benchmarks.speed import __main__ as speed
from benchmarks.views import study
from benchmarks.worker import gpu_check, settings
from pneumo_tf.data import batches
from pneumo_tf.recipe import Augment, Phase, Recipe


class Touched(Exception):
    """A constant was made, or the films were looked for."""


def start_worker():
    spec = SimpleNamespace(seed=0, precision="float32")
    settings.prepare_device(SimpleNamespace(gpu=True, threads=1), spec)
    tf.constant(1)


def start_speed():
    speed.main(["--only", "b", "--data", "no such folder"])
    tf.constant(1)


def start_views():
    given = argparse.Namespace(seeds=2, data=Path(), out=Path(), size=32, films=None, weights=None)
    study.measure_views(given)


COMMANDS = {
    "worker": start_worker,
    "speed": start_speed,
    "views": start_views,
    "probe": gpu_check.main,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_growth_is_asked_for_before_any_constant(command, monkeypatch):
    asked = []

    def touch(*_, **__):
        asked.append("touched")
        raise Touched

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["fake"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda *it: asked.append(it))
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda count: None)
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", lambda count: None)
    monkeypatch.setattr(study, "find", lambda *_: Path())
    monkeypatch.setattr(study, "_read_films", touch)
    for name in ("constant", "ones"):
        monkeypatch.setattr(tf, name, touch)
    with pytest.raises(Touched):
        COMMANDS[command]()
    assert asked == [("fake", True), "touched"]


def test_tf32_is_off_in_a_worker(monkeypatch):
    tf.config.experimental.enable_tensor_float_32_execution(True)
    gpu_check.prepare_tensorflow()
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert settings.settings_record(SimpleNamespace(gpu=False))["tf32"] == "off"


def test_the_constants_of_the_pipeline_are_made_on_the_cpu(monkeypatch):
    asked, constant = [], tf.constant

    def record(value):
        asked.append(context().device_name)
        return constant(value)

    monkeypatch.setattr(batches.tf, "constant", record)
    recipe = Recipe(
        "x", "conv3_gray", (Phase(epochs=1, learning_rate=1e-3),), size=32, augment=Augment(rotation=5)
    )
    pixels = np.zeros((4, 32, 32), np.uint8)
    batches.training_batches(recipe, pixels, np.arange(4), np.zeros(4), 0, 0, 0)
    assert asked and all("CPU:0" in name for name in asked)
