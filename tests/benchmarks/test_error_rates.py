import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.error_rates.__main__ import PAGE, RESULTS, count_errors, error_rate_table
from benchmarks.error_rates.coverage import ABOVE, BELOW, skill_of, true_values
from benchmarks.error_rates.simulation import SCORE_VARIANCE
from benchmarks.error_rates.studies import STUDIES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def results():
    return json.loads((DOCS / RESULTS).read_text("utf-8"))


@pytest.mark.parametrize("key", STUDIES)
def test_the_first_test_sets_give_the_stored_counts(key, results):
    stored = results[key]["first"]
    assert count_errors(STUDIES[key], stored["studies"]) == stored["counts"]


@pytest.mark.parametrize("key", STUDIES)
def test_stored_shares_agree_with_what_the_methods_promise(key, results):
    study, found = STUDIES[key], results[key]
    assert found["studies"] == study.studies
    sides = {event.format(name) for name in found["counts"] for event in (BELOW, ABOVE)}
    for name, count in found["counts"].items():
        if name not in sides:
            assert study.lowest <= count / found["studies"] <= study.highest, name


@pytest.mark.parametrize("key", [key for key in STUDIES if key.startswith("coverage")])
def test_intervals_of_ranks_miss_the_truth_on_both_sides(key, results):
    counts = results[key]["counts"]
    for name in ("auc", "average_precision"):
        below, above = counts[BELOW.format(name)], counts[ABOVE.format(name)]
        assert counts[name] + below + above == results[key]["studies"]
        # Consistent with one side at most three times as often as the other.
        assert binomtest(min(below, above), below + above, 0.25, alternative="less").pvalue > 0.05, name


@pytest.mark.parametrize("auc", [0.85, 0.99])
def test_true_values_are_those_of_many_films(auc):
    skill, n = skill_of(auc), 200_000
    rng = np.random.default_rng(0)
    labels = (rng.random(n) < 0.6).astype(int)
    score = skill * (labels - 0.5) + 0.3 + np.sqrt(SCORE_VARIANCE) * rng.normal(size=n)
    found = true_values(skill, 0.3, 0.0, 0.6, ("auc", "average_precision", "sensitivity", "specificity"))
    right = (score > 0) == labels
    expected = {
        "auc": roc_auc_score(labels, score),
        "average_precision": average_precision_score(labels, score),
        "sensitivity": right[labels == 1].mean(),
        "specificity": right[labels == 0].mean(),
    }
    assert found["auc"] == pytest.approx(auc)
    assert found == pytest.approx(expected, abs=0.004)


def test_the_page_shows_the_stored_results(results):
    assert error_rate_table(results) in (DOCS / PAGE).read_text("utf-8")
