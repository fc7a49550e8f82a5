import json
from pathlib import Path

import pytest

from benchmarks.error_rates.__main__ import PAGE, RESULTS, count_errors, error_rate_table
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
    for count in found["counts"].values():
        assert study.lowest <= count / found["studies"] <= study.highest


def test_the_page_shows_the_stored_results(results):
    assert error_rate_table(results) in (DOCS / PAGE).read_text("utf-8")
