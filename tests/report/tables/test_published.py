"""Published figures beside ours: as printed, computed from printed counts, or a dash."""

from dataclasses import replace

from pneumo_tf.evaluation.metrics import METRICS, Metric, auc
from pneumo_tf.recipe import Published
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.published import published_tables
from tests.report.fabricate import RECIPES, fabricate_runs

COUNTS = (64, 170, 2, 388)  # TN, FP, FN, TP


def published(tmp_path, *figures):
    """The lines of published figures, by title of their column; no run of ours is done."""
    recipe = replace(RECIPES[2], published=figures)
    runs = fabricate_runs(tmp_path, [recipe], 1, n_test=60, n_train=120, flawed=False)
    for folder in runs:
        folder.set_status("failed", "no space left")
    (board,) = read_boards(runs)
    (table,) = published_tables(board)
    assert table.title == recipe.family
    return [dict(zip(table.header, line, strict=True)) for line in table.rows if line[0] == ""]


def test_a_metric_is_as_printed_or_computed_from_the_counts_in_italics(tmp_path):
    (line,) = published(tmp_path, Published("official test", {"accuracy": 0.72}, COUNTS))
    assert line["Images"] == "published, official test"
    assert line["Accuracy"] == "0.72"
    assert line["Specificity"] == f"*{64 / 234:.3f}*"
    assert line["AUC"] == "–", "counts contain no scores"


def test_a_metric_that_does_not_say_that_counts_decide_it_has_a_dash(tmp_path, monkeypatch):
    monkeypatch.setitem(METRICS, "of_scores", Metric(auc, "Of scores"))
    stated = Published("elsewhere", {"of_scores": 0.9})
    elsewhere, counted = published(tmp_path, stated, Published("official test", {}, COUNTS))
    assert elsewhere["Of scores"] == "0.90"
    assert counted["Of scores"] == "–"
    assert counted["Accuracy"] == f"*{(64 + 388) / 624:.3f}*"
