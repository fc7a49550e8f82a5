"""Fixtures shared by the tests: where the real films are, and small sets of phantom films."""

import os

# Read by TensorFlow when it is imported: the tests run beside each other on few cores.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from pathlib import Path

import pytest

from pneumo_tf.data.datasets.kermany import read_folder
from pneumo_tf.data.datasets.phantom import PhantomSpec, write_phantom

SHARED = Path(os.environ.get("PNEUMO_TF_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """700 phantom films: 500 to train, 200 to test."""
    spec = PhantomSpec(seed=1, train=(190, 190, 120), val=(0, 0, 0), test=(80, 70, 50), side=96)
    root = write_phantom(spec, tmp_path_factory.mktemp("data") / "phantom")
    return read_folder(root / "chest_xray", name="phantom", title="Phantom for tests")


@pytest.fixture(scope="session")
def small_phantom(tmp_path_factory):
    """120 phantom films, for tests that only need films."""
    spec = PhantomSpec(seed=2, train=(40, 24, 16), val=(0, 0, 0), test=(16, 14, 10), side=64)
    root = write_phantom(spec, tmp_path_factory.mktemp("data") / "phantom")
    return read_folder(root / "chest_xray", name="phantom", title="Phantom for tests")


@pytest.fixture(scope="session")
def real_films():
    """Folder of the real films."""
    folder = SHARED / "data" / "chest_xray"
    if not folder.is_dir():
        pytest.skip(f"no real films in {folder}")
    return folder
