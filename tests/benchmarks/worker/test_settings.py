"""A user's settings of Keras, Matplotlib and TensorFlow neither stop a run nor change its numbers."""

import json
import os
from pathlib import Path

import pytest

from benchmarks.suite.engines.worker_process import WorkerProcess
from benchmarks.suite.options import parse
from pneumo_tf.runs import Runs
from tests.benchmarks.planned import assign_to_cpu, plan_jobs

ROOT = Path(__file__).parents[3]
TINY = ("--only", "baseline_cnn", "--size", "32", "--films", "60", "--epochs", "1")
HOSTILE = {
    "plain": ({}, {}),
    "float64": ({"floatx": "float64", "epsilon": 1e-3}, {}),
    "channels first": ({"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}, {}),
    "variables": ({}, {"KERAS_BACKEND": "jax", "MPLBACKEND": "module://nowhere", "TF_USE_LEGACY_KERAS": "1"}),
}


def run_worker(films, folder, keras_json, variables):
    """One run in a worker's process under the settings of a user; its logits and its environment."""
    options = parse([*TINY, "--out", str(folder)])
    ((job,), _) = plan_jobs(options, films.films.fingerprint)
    runs = Runs(options.runs)
    runs.write_films(films)
    run = runs.plan(job.spec)
    assignment = assign_to_cpu(films, options)
    home = folder / "keras"
    home.mkdir()
    (home / "keras.json").write_text(json.dumps(keras_json))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_HOME": str(home), **variables}
    process = WorkerProcess(True, environment)
    process.assign(run, assignment)
    while process.read() is not None:
        pass
    process.end()
    assert run.state == "done", run.status
    return run.read_predictions("test").logits, run.read_json("environment.json")


@pytest.fixture(scope="module")
def plain(small_phantom, tmp_path_factory):
    return run_worker(small_phantom, tmp_path_factory.mktemp("plain"), *HOSTILE["plain"])


@pytest.mark.slow
@pytest.mark.parametrize("settings", [name for name in HOSTILE if name != "plain"])
def test_a_users_settings_change_no_logit(settings, plain, small_phantom, tmp_path):
    logits, environment = run_worker(small_phantom, tmp_path, *HOSTILE[settings])
    assert (logits == plain[0]).all()
    assert environment == plain[1]
    assert (environment["floatx"], environment["image_data_format"]) == ("float32", "channels_last")


@pytest.mark.slow
def test_variables_that_can_change_rounding_are_recorded(small_phantom, tmp_path):
    _, environment = run_worker(small_phantom, tmp_path, {}, {"TF_ENABLE_ONEDNN_OPTS": "0"})
    assert environment["variables"]["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "TF_CPP_MIN_LOG_LEVEL" not in environment["variables"]
