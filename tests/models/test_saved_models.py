"""A saved model opens in a process without this package, and scores as before."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from pneumo_tf.models.registry import ARCHITECTURES, build
from tests.models.conftest import HEAD, films

REOPEN = """
import importlib.util, sys
import keras, numpy as np
assert importlib.util.find_spec("pneumo_tf") is None
for line in sys.stdin:
    folder = line.strip()
    model = keras.saving.load_model(f"{folder}/model.keras", safe_mode=True)
    np.save(f"{folder}/reopened.npy", model(np.load(f"{folder}/films.npy"), training=False))
    keras.backend.clear_session()
    print("done", flush=True)
"""


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """A process that opens the models of folders named on its standard input."""
    # -I: neither the current folder nor PYTHONPATH is searched for modules.
    command, folder = [sys.executable, "-I", "-c", REOPEN], tmp_path_factory.mktemp("stranger")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def check_reopened(model, folder, stranger):
    probe = films(model.input.shape[1])
    model.save(folder / "model.keras")
    np.save(folder / "films.npy", probe)
    stranger.stdin.write(f"{folder}\n")
    stranger.stdin.flush()
    assert stranger.stdout.readline().strip() == "done"
    found = np.load(folder / "reopened.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(model(probe, training=False)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["conv3_gray", "convnext_tiny"])
def test_some_reopen(name, tmp_path, stranger):
    check_reopened(build(name, head=HEAD, size=32), tmp_path, stranger)


@pytest.mark.slow
def test_each_reopens(built, tmp_path, stranger):
    entry, model = built
    check_reopened(model, tmp_path, stranger)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name == "conv4_gray" else pytest.mark.slow) for name in ARCHITECTURES],
)
def test_each_reopens_in_bfloat16(name, tmp_path, stranger, bfloat16):
    keras.utils.set_random_seed(0)
    model = build(name, head=HEAD, size=ARCHITECTURES[name].minimum_size)
    check_reopened(model, tmp_path, stranger)
    keras.backend.clear_session()
