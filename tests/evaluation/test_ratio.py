import warnings

import numpy as np

from pneumo_tf.evaluation.ratio import ratio


def test_a_division_by_zero_gives_the_value_of_the_caller_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(ratio([1, 0, 3], [2, 0, 0]), [0.5, np.nan, np.nan])
        np.testing.assert_array_equal(ratio([1, 0, 3], [2, 0, 0], empty=0.0), [0.5, 0, 0])


def test_shapes_broadcast_and_results_are_double():
    parts = ratio(np.ones((2, 3), np.float32), np.array([[3], [0]], np.int64), empty=0.0)
    assert parts.dtype == np.float64
    np.testing.assert_allclose(parts, [[1 / 3] * 3, [0] * 3], rtol=1e-12)
