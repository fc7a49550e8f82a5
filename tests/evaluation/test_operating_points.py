"""Thresholds: chosen on validation alone by their rules, and measured on the test films."""

import numpy as np
import pytest

from benchmarks.error_rates.simulation import Study, make_predictions
from pneumo_tf.evaluation.operating_points import (
    MISS_COST,
    POINTS,
    choose_threshold,
    measure_operating_point,
    predictive_values,
)


def rates(films, at):
    called = films.score > at
    return called[films.labels == 1].mean(), 1 - called[films.labels == 0].mean()


@pytest.fixture
def validation():
    study = Study(np.random.default_rng(0))
    return study.model(2.0).runs()[0]


def every_threshold(films):
    scores = np.sort(films.score)
    return [scores[0] - 1, *(scores[:-1] + np.diff(scores) / 2), scores[-1] + 1]


def test_youden_has_the_largest_sum(validation):
    best = max(sum(rates(validation, at)) for at in every_threshold(validation))
    assert sum(rates(validation, choose_threshold("youden", validation))) == pytest.approx(best)


def test_the_sensitive_point_is_the_most_specific_that_is_sensitive_enough(validation):
    sensitivity, specificity = rates(validation, choose_threshold("sensitive", validation))
    assert sensitivity >= 0.95
    enough = [rates(validation, at) for at in every_threshold(validation)]
    assert specificity == pytest.approx(max(spec for sens, spec in enough if sens >= 0.95))


def test_the_cheapest_point_has_the_least_cost(validation):
    def cost(at):
        called = validation.score > at
        missed, alarms = (validation.labels == 1) & ~called, (validation.labels == 0) & called
        return MISS_COST * missed.sum() + alarms.sum()

    assert cost(choose_threshold("cost", validation)) == min(cost(at) for at in every_threshold(validation))


def test_the_boards_point_is_not_chosen(validation):
    assert next(iter(POINTS)) == "half"
    assert choose_threshold("half", validation) == 0.0


def test_separated_films_are_parted_in_the_middle():
    films = make_predictions([0, 0, 1, 1], [-3.0, -1.0, 2.0, 5.0])
    assert choose_threshold("youden", films) == 0.5
    assert choose_threshold("cost", films) == 0.5


def test_one_class_fixes_no_threshold():
    assert np.isnan(choose_threshold("youden", make_predictions([1, 1], [0.0, 1.0])))
    achieved = measure_operating_point(
        "youden", [make_predictions([1, 1], [0.0, 1.0])], [make_predictions([0, 1], [0.0, 1.0])]
    )
    assert np.isnan(achieved.drift).all()


def test_test_films_move_no_threshold_and_drift_is_test_minus_validation(validation):
    study = Study(np.random.default_rng(1))
    (test,) = study.model(1.0).runs()
    at = choose_threshold("sensitive", validation)
    achieved = measure_operating_point("sensitive", [validation], [test])
    assert achieved.validation == pytest.approx(rates(validation, at))
    assert achieved.test == pytest.approx(rates(test, at))
    assert achieved.drift == pytest.approx(np.subtract(rates(test, at), rates(validation, at)))


def test_every_run_has_a_threshold_of_its_own(validation):
    shifted = make_predictions(validation.labels, validation.score + 3.0)
    achieved = measure_operating_point("youden", [validation, shifted], [validation, shifted])
    assert achieved.test == pytest.approx(measure_operating_point("youden", [validation], [validation]).test)


def test_predictive_values_by_hand():
    ppv, npv = predictive_values(0.9, 0.8, 0.1)
    assert ppv == pytest.approx(0.09 / (0.09 + 0.18))
    assert npv == pytest.approx(0.72 / (0.72 + 0.01))
    assert np.isnan(predictive_values(0.0, 1.0, 0.1)[0])
