import gzip

import numpy as np
import pytest

from pneumo_tf.errors import UserError
from pneumo_tf.predictions import Predictions
from pneumo_tf.runs import Runs
from tests.example_spec import SPEC


def test_a_folder_gives_back_what_was_written(tmp_path):
    folder = Runs(tmp_path).plan(SPEC)
    logits = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    folder.write_predictions("test", Predictions(tuple("abcde"), logits))
    folder.write_history([{"epoch": 1, "loss": 0.25}, {"epoch": 2, "loss": 1e-9}])
    folder.write_arrays("explained", {"maps": np.ones((2, 3)), "ids": np.array(["a", "b"])})
    assert folder.spec == SPEC
    assert folder.state == "planned"
    read = folder.read_predictions("test")
    assert read.ids == tuple("abcde")
    np.testing.assert_array_equal(read.logits, logits)
    assert folder.read_history()[1] == {"epoch": 2.0, "loss": 1e-9}
    assert folder.read_arrays("explained")["ids"].tolist() == ["a", "b"]
    assert folder.prediction_sets() == ["test"]


def test_gzipped_predictions_read_the_same(tmp_path):
    folder = Runs(tmp_path).plan(SPEC)
    folder.write_predictions("test", Predictions(("a",), np.array([[1.5]], np.float32)))
    plain = folder.path / "predictions" / "test.csv"
    plain.with_suffix(".csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert folder.read_predictions("test").score.tolist() == [1.5]
    assert folder.prediction_sets() == ["test"]


def test_missing_predictions_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match="--fresh"):
        Runs(tmp_path).plan(SPEC).read_predictions("test")
