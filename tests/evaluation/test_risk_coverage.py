"""Risk and coverage: by hand, and what ties and seeds do to it."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.error_rates.simulation import make_predictions
from pneumo_tf.evaluation.risk_coverage import aurc, measure_uncertainty, risk_coverage_curve


def test_by_hand():
    wrong, trust = np.array([True, False, False, True]), np.array([1.0, 4.0, 3.0, 2.0])
    assert aurc(wrong, trust) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert aurc(wrong, -trust) == pytest.approx((1 + 1 + 2 / 3 + 2 / 4) / 4)


def test_random_confidence_has_the_error_rate_as_its_aurc():
    wrong = np.array([True, False, False, True, False])
    assert aurc(wrong, np.zeros(5)) == pytest.approx(0.4)


def test_equal_confidence_counts_as_the_mean_over_all_orders():
    wrong, trust = np.array([True, False, False]), np.array([1.0, 1.0, 0.0])
    orders = (np.array([1 / 1, 1 / 2, 1 / 3]).mean(), np.array([0 / 1, 1 / 2, 1 / 3]).mean())
    assert aurc(wrong, trust) == pytest.approx(np.mean(orders))


def test_seeds_are_averaged_and_their_agreement_ranks_errors():
    labels = [1, 1, 0, 0]
    one, other = (
        make_predictions(labels, [3.0, -3.0, -2.0, -1.0]),
        make_predictions(labels, [3.2, 1.0, -2.1, -1.2]),
    )
    trust = measure_uncertainty([one, other])
    assert trust.error == 0.25
    assert trust.best == pytest.approx(0.25 / 4)
    assert trust.by_spread == pytest.approx(0.25 / 4), "only the film called wrongly was scored in two ways"
    assert trust.by_distance == pytest.approx((0 + 0 + 0 + 1 / 4) / 4), "means 3.1, −1.0, −2.05 and −1.1"
    alone = measure_uncertainty([one])
    assert np.isnan(alone.by_spread) and alone.best <= alone.by_distance


def test_the_curve_by_hand_and_its_mean_is_the_area():
    wrong, trust = np.array([True, False, False, True]), np.array([1.0, 4.0, 3.0, 2.0])
    curve = risk_coverage_curve(wrong, trust)
    np.testing.assert_allclose(curve, [0, 0, 1 / 3, 2 / 4])
    assert aurc(wrong, trust) == curve.mean()


def test_confidence_does_not_depend_on_the_order_of_films_in_a_set():
    labels = [1, 1, 0, 0]
    one, other = (
        make_predictions(labels, [3.0, -3.0, -2.0, -1.0]),
        make_predictions(labels, [3.2, 1.0, -2.1, -1.2]),
    )
    turned = replace(other, ids=other.ids[::-1], labels=other.labels[::-1], score=other.score[::-1])
    plain, mixed = measure_uncertainty([one, other]), measure_uncertainty([one, turned])
    np.testing.assert_array_equal(plain.spread, mixed.spread)
    np.testing.assert_array_equal(plain.wrong, mixed.wrong)
