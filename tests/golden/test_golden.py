"""The same id means the same numbers: whoever changes what a run computes raises `HARNESS_VERSION`."""

import json

import numpy as np
import pytest

from pneumo_tf.run_spec import HARNESS_VERSION
from tests.golden.__main__ import STORED
from tests.golden.values import TRAININGS, digests, logits

TOLERANCE = 0.01
"""Of the largest logit. Threads and oneDNN change the logits by 0.0008 of it at most."""

CHANGED = (
    "a run computes something else than before under the same id: raise HARNESS_VERSION in this commit and "
    "store the new values with `python -m tests.golden`, or undo the change"
)


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text("utf-8"))


def test_the_stored_values_are_of_this_version(stored):
    assert stored["harness"] == HARNESS_VERSION, CHANGED


@pytest.fixture(scope="module")
def computed():
    return digests()


@pytest.mark.parametrize("what", ["augmentation", "order", "dropout", "splits", "optimizer", "class weights"])
def test_what_no_machine_changes_is_as_stored(what, stored, computed):
    assert json.loads(json.dumps(computed[what])) == stored["digests"][what], CHANGED


@pytest.mark.parametrize("name", TRAININGS)
def test_tiny_trainings_give_the_stored_logits(name, stored, tmp_path):
    recipe, parts = TRAININGS[name]
    found = logits(recipe, parts, tmp_path)
    expected = np.array(stored["logits"][name])
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    assert difference < TOLERANCE, f"{name}: a logit differs by {difference:.2%} of the largest; {CHANGED}"
