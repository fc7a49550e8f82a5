import numpy as np

from pneumo_tf.predictions import Predictions


def test_score_is_the_difference_of_two_logits_or_the_single_one():
    pair = Predictions(("a",), np.array([[1.0, 3.0]], np.float32))
    assert pair.score.tolist() == [2.0]
