"""A saved model opens in a process that has never heard of this package, and scores as before."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.recipe import Head

HEAD = Head(units=(8,), batch_norm=True, dropout=0.5)

REOPEN = """
import importlib.util, pathlib, sys
import keras, numpy as np
assert importlib.util.find_spec("pneumo_tf") is None
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path, safe_mode=True)
    films = np.load(path.with_suffix(".films.npy"))
    np.save(path.with_suffix(".reopened.npy"), model(films, training=False))
"""


@pytest.fixture(autouse=True)
def clean():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()


def saved(name, folder):
    """Saves a model, films and its logits there; gives the logits."""
    entry = ARCHITECTURES[name]
    model = build(name, head=HEAD, size=entry.minimum_size)
    shape = (4, entry.minimum_size, entry.minimum_size, 1)
    films = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    model.save(folder / f"{name}.keras")
    np.save(folder / f"{name}.films.npy", films)
    return np.asarray(model(films, training=False))


def check_reopened(policies, folder):
    """Saves each name under its policy; one process opens them all."""
    logits = {}
    for name, policy in policies.items():
        keras.config.set_dtype_policy(policy)
        logits[name] = saved(name, folder)
    # -I: neither the current folder nor PYTHONPATH is searched for modules.
    subprocess.run([sys.executable, "-I", "-c", REOPEN, str(folder)], check=True, cwd=folder)
    for name, expected in logits.items():
        found = np.load(folder / f"{name}.reopened.npy")
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5, err_msg=name)


def test_some_reopen(tmp_path):
    policies = {"conv3_gray": "float32", "convnext_tiny": "float32", "conv4_gray": "mixed_bfloat16"}
    check_reopened(policies, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_reopens(name, policy, tmp_path):
    check_reopened({name: policy}, tmp_path)
