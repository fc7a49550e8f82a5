"""Score intervals: against SciPy's interval of Wilson, and where the films have no variance."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from benchmarks.error_rates.simulation import make_predictions
from pneumo_tf.evaluation.intervals import LEAST_PATIENTS, PatientBootstrap
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.evaluation.score_interval import score_interval

Z = norm.ppf(0.975)


@pytest.mark.parametrize(("right", "films"), [(3, 40), (39, 40), (200, 390), (389, 390)])
def test_independent_films_have_the_interval_of_wilson(right, films):
    share = right / films
    expected = binomtest(right, films).proportion_ci(method="wilson")
    # No effect of the design: the number of patients plays no part.
    found = score_interval(share, share * (1 - share) / films, Z, patients=7)
    assert found == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_without_an_error_patients_count_instead_of_films(value):
    expected = binomtest(int(value * 60), 60).proportion_ci(method="wilson")
    assert score_interval(value, 0.0, Z, patients=60) == pytest.approx((expected.low, expected.high))


def test_a_value_without_variance_between_the_bounds_is_exact():
    assert score_interval(0.5, 0.0, Z, patients=60) == (0.5, 0.5)


def perfect(patients, films_each=3):
    """Films that the score separates."""
    labels = np.repeat([0, 1], [films_each * count for count in patients])
    person = np.arange(len(labels)) // films_each
    return make_predictions(labels, np.where(labels == 1, 2.0, -2.0), person)


def test_perfect_rows_have_an_interval_that_depends_on_their_patients():
    found = PatientBootstrap(100).estimate([perfect((30, 50))])
    of_smaller = {"sensitivity": 50, "sensitivity_virus": 50}
    for name in ("auc", "average_precision", "accuracy", "specificity", "f1", *of_smaller):
        fewest = of_smaller.get(name, 30)
        expected = binomtest(fewest, fewest).proportion_ci(method="wilson")
        assert (found[name].low, found[name].high) == pytest.approx((expected.low, 1.0)), name


@pytest.mark.parametrize("fewest", [LEAST_PATIENTS - 1, LEAST_PATIENTS])
def test_a_class_of_few_patients_has_no_interval(fewest):
    found = PatientBootstrap(100).estimate([perfect((fewest, 50))])
    for name, estimate in found.items():
        few = fewest < LEAST_PATIENTS and "normal" in METRICS[name].counted
        assert np.isnan(estimate.half_width) == (few or np.isnan(estimate.value)), name


def test_a_constant_model_has_an_exact_auc():
    films = perfect((30, 50))
    constant = make_predictions(films.labels, np.full(len(films), 1.0), films.patients)
    auc = PatientBootstrap(100).estimate([constant], ["auc"])["auc"]
    assert (auc.low, auc.value, auc.high) == (0.5, 0.5, 0.5)
