from dataclasses import replace

import pytest

from pneumo_tf.evaluation.metrics import metrics_from_counts
from pneumo_tf.recipe import Published
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.protocols import protocols_table
from pneumo_tf.runs import Runs
from tests.report.fabricate import RECIPES, fabricate_runs

CONFUSION = (64, 170, 2, 388)
FIGURE = Published("official test", {"accuracy": 0.72}, CONFUSION, "published-test-selected")
RECIPE = replace(next(r for r in RECIPES if r.phases), published=(FIGURE, FIGURE))


def board(tmp_path, *protocols):
    for protocol in protocols:
        fabricate_runs(tmp_path, [RECIPE], 1, protocol=protocol, flawed=False)
    (found,) = read_boards(Runs(tmp_path))
    return found


def test_a_published_figure_is_compared_with_ours_under_both_protocols(tmp_path):
    both = board(tmp_path, "official", "published-test-selected")
    table = protocols_table(both)
    lines = {line[2]: line for line in table.rows}
    rows = {row.protocol: row for row in both.rows}
    assert len(table.rows) == 3, "a figure printed twice is shown once"
    assert lines["AUC"][3] == "–", "nothing was printed of it"
    name, protocol, _, printed, same, official, drift = lines["Accuracy"]
    assert (name, protocol, printed) == (f"**{RECIPE.name}**", "published-test-selected", "0.720")
    theirs = rows["published-test-selected"].estimates["accuracy"].value
    ours = rows["official"].estimates["accuracy"].value
    assert same.startswith(f"{theirs:.3f} [")
    assert official.startswith(f"{ours:.3f} [")
    assert float(drift) == round(theirs - ours, 3)
    assert lines["Specificity"][3] == f"*{metrics_from_counts(CONFUSION)['specificity']:.3f}*"


def test_two_printed_values_of_a_metric_share_a_line(tmp_path, monkeypatch):
    words = Published("official test", {"accuracy": 0.8958, "specificity": 0.821}, None, FIGURE.protocol)
    notebook = Published("the same", {}, (184, 50, 15, 375), FIGURE.protocol)
    monkeypatch.setattr(
        "tests.report.tables.test_protocols.RECIPE", replace(RECIPE, published=(words, notebook))
    )
    lines = {line[2]: line[3] for line in protocols_table(board(tmp_path, FIGURE.protocol)).rows}
    assert lines == {"Accuracy": "0.896", "Specificity": "0.821, *0.786*", "AUC": "–"}


def test_without_an_official_run_there_is_no_difference(tmp_path):
    table = protocols_table(board(tmp_path, "published-test-selected"))
    assert {line[5:] for line in table.rows} == {("–", "–")}


def test_an_official_run_that_was_trained_otherwise_is_no_counterpart(tmp_path, monkeypatch):
    board(tmp_path, "published-test-selected")
    other = replace(RECIPE, batch=2 * RECIPE.batch)
    monkeypatch.setattr("tests.report.tables.test_protocols.RECIPE", other)
    found = board(tmp_path, "official")
    assert {row.protocol for row in found.rows} == {"official", "published-test-selected"}
    assert {line[5:] for line in protocols_table(found).rows} == {("–", "–")}


@pytest.mark.parametrize("protocol", ["official", "cv5"])
def test_without_a_run_under_the_authors_protocol_there_is_nothing_to_show(tmp_path, protocol):
    assert protocols_table(board(tmp_path, protocol)).markdown() == ""
