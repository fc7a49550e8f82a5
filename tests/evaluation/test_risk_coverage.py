"""Risk and coverage: by hand, and what ties and seeds do to it."""

import numpy as np
import pytest

from pneumo_tf.evaluation.risk_coverage import aurc, rank_errors
from tests.evaluation.fabricate import scored


def test_by_hand():
    wrong, trust = np.array([True, False, False, True]), np.array([1.0, 4.0, 3.0, 2.0])
    assert aurc(wrong, trust) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert aurc(wrong, -trust) == pytest.approx((1 + 1 + 2 / 3 + 2 / 4) / 4)


def test_trust_that_says_nothing_shows_the_error():
    wrong = np.array([True, False, False, True, False])
    assert aurc(wrong, np.zeros(5)) == pytest.approx(0.4)


def test_equal_trust_counts_as_the_mean_over_all_orders():
    wrong, trust = np.array([True, False, False]), np.array([1.0, 1.0, 0.0])
    orders = (np.array([1 / 1, 1 / 2, 1 / 3]).mean(), np.array([0 / 1, 1 / 2, 1 / 3]).mean())
    assert aurc(wrong, trust) == pytest.approx(np.mean(orders))


def test_seeds_are_averaged_and_their_agreement_ranks_errors():
    labels = [1, 1, 0, 0]
    one, other = scored(labels, [3.0, -3.0, -2.0, -1.0]), scored(labels, [3.2, 1.0, -2.1, -1.2])
    trust = rank_errors([one, other])
    assert trust.error == 0.25
    assert trust.best == trust.by_spread == pytest.approx(0.25 / 4)
    assert trust.by_score == pytest.approx(0.25 / 4), "mean scores 3.1, −1, −2.05 and −1.1"
    alone = rank_errors([one])
    assert np.isnan(alone.by_spread) and alone.best <= alone.by_score
