"""Fixtures shared by the tests (the real films, small sets of phantom films), and minutes by folder."""

import os
from collections import Counter

# Read by TensorFlow when it is imported: the tests run beside each other on few cores.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")

from pathlib import Path

import pytest

from pneumo_tf.data.datasets.phantom.entry import PHANTOM
from pneumo_tf.data.datasets.phantom.spec import PhantomSpec
from pneumo_tf.data.datasets.phantom.writer import write_phantom

SHARED = Path(os.environ.get("PNEUMO_TF_SHARED", Path(__file__).parents[2] / "shared"))


MINUTES = Counter()
"""Seconds of setup, call and teardown by folder of tests."""


def pytest_addoption(parser):
    parser.addoption("--minutes", action="store_true", help="print minutes by folder of tests at the end")


def pytest_runtest_logreport(report):
    MINUTES[report.nodeid.partition("::")[0].rpartition("/")[0]] += report.duration


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--minutes"):
        terminalreporter.section("minutes by folder")
        for folder, seconds in MINUTES.most_common():
            terminalreporter.write_line(f"{seconds / 60:6.1f}  {folder}")
        terminalreporter.write_line(f"{MINUTES.total() / 60:6.1f}  all")


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """700 phantom films: 500 to train, 200 to test."""
    spec = PhantomSpec(seed=1, train=(190, 190, 120), val=(0, 0, 0), test=(80, 70, 50), side=96)
    root = write_phantom(spec, tmp_path_factory.mktemp("data") / "phantom")
    return PHANTOM.read(root)


@pytest.fixture(scope="session")
def small_phantom(tmp_path_factory):
    """120 phantom films, for tests that only need films."""
    spec = PhantomSpec(seed=2, train=(40, 24, 16), val=(0, 0, 0), test=(16, 14, 10), side=64)
    root = write_phantom(spec, tmp_path_factory.mktemp("data") / "phantom")
    return PHANTOM.read(root)


@pytest.fixture(scope="session")
def real_films():
    """Folder of the real films."""
    folder = SHARED / "data" / "chest_xray"
    if not folder.is_dir():
        pytest.skip(f"no real films in {folder}")
    return folder
