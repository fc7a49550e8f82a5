"""A clean set, and copies of it to plant faults in."""

import pytest

from pneumo_tf.audit.chapters import shift
from pneumo_tf.audit.decoded import decode_set
from tests.audit.planted import Planted


@pytest.fixture(scope="session", autouse=True)
def few_repeats():
    """Two samples of each null distribution instead of ten, which takes a fifth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shift, "REPEATS", 2)
        yield


@pytest.fixture(scope="session")
def clean(small_phantom):
    return decode_set(small_phantom.root)


@pytest.fixture
def planted(small_phantom, tmp_path):
    return Planted(small_phantom, tmp_path / "chest_xray")
