"""CSV and JSON: the numbers of the page, with what their use needs."""

import csv
import json

import pytest

from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.page import write_leaderboard
from pneumo_tf.report.reading import read_boards
from pneumo_tf.run_spec import HARNESS_VERSION
from tests.report.fabricate import RECIPES, fabricate_runs


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    root = tmp_path_factory.mktemp("export")
    runs = fabricate_runs(root / "runs")
    write_leaderboard(read_boards(runs), root)
    return root


def test_csv_has_a_line_for_each_done_row_and_metric(out):
    lines = list(csv.DictReader((out / "leaderboard.csv").open(encoding="utf-8")))
    assert len(lines) == (len(RECIPES) + 1) * len(METRICS)
    one = next(x for x in lines if (x["recipe"], x["metric"], x["rank"]) == ("convnext_base", "auc", "2"))
    assert float(one["low"]) < float(one["value"]) < float(one["high"])
    about = {"test_films": "160", "test_patients": "97", "seeds": "0 1", "precision": "float32", "runs": "2"}
    about |= {
        "initial": "imagenet",
        "harness": str(HARNESS_VERSION),
        "profile": "full",
        "protocol": "official",
    }
    assert {key: one[key] for key in about} == about
    assert len(one["run_ids"].split()) == 2
    assert all(one["sd"] == "" for one in lines if one["trivial"] == "True")


def test_json_holds_every_row_with_each_run(out):
    (board,) = json.loads((out / "leaderboard.json").read_text("utf-8"))["boards"]
    rows = {(row["recipe"], row["protocol"]): row for row in board["rows"]}
    assert len(rows) == len(RECIPES) + 2
    row = rows["convnext_base", "official"]
    runs = [run["metrics"]["accuracy"] for run in row["by_run"]]
    assert row["metrics"]["accuracy"]["value"] == pytest.approx(sum(runs) / 2, abs=1e-6)
    assert sum(row["by_run"][0]["confusion"].values()) == 160
    assert row["unfinished"][0]["reason"] == "loss became not a number in epoch 3"
    assert rows["convnext_base", "published-validation-head"]["rank"] is None
    assert rows["convnext_base", "published-validation-head"]["against_first"] is None
    assert row["letters"] == "a"
    against = rows["cnn_baseline", "official"]["against_first"]
    assert against["low"] < against["auc"] < against["high"] < 0
    assert against["p"] <= against["p_holm"] < 0.05
    assert against["rank_interval"][0] <= rows["cnn_baseline", "official"]["rank"]
    assert rows["vgg16", "official"]["metrics"] == {}


def test_json_has_every_pair_of_ranked_rows(out):
    (board,) = json.loads((out / "leaderboard.json").read_text("utf-8"))["boards"]
    pairs, rows = board["comparisons"], {row["recipe"]: row for row in board["rows"] if row["rank"]}
    assert pairs["rows"] == sorted(rows, key=lambda name: rows[name]["rank"])
    for metric in ("auc", "accuracy", "brier"):
        for place, name in enumerate(pairs["rows"]):
            for other, its in enumerate(pairs["rows"]):
                assert pairs[metric]["difference"][place][other] == -pairs[metric]["difference"][other][place]
                assert pairs[metric]["p"][place][other] <= pairs[metric]["p_holm"][place][other] <= 1
                if metric != "accuracy":
                    values = (rows[row]["metrics"][metric]["value"] for row in (name, its))
                    difference = pairs[metric]["difference"][place][other]
                    assert difference == pytest.approx(next(values) - next(values), rel=1e-3, abs=2e-6)
    first = rows[pairs["rows"][3]]["against_first"]
    assert pairs["auc"]["p_holm"][3][0] == pytest.approx(first["p_holm"], abs=1e-6)
    assert 0 < pairs["auc"]["p"][-1][0] < 1e-6, "very small, and not rounded to 0"


def test_ranks_are_those_of_the_page(out):
    (board,) = json.loads((out / "leaderboard.json").read_text("utf-8"))["boards"]
    ranked = sorted((row for row in board["rows"] if row["rank"]), key=lambda row: row["rank"])
    text = (out / "leaderboard.md").read_text("utf-8").split("### Ranking")[1]
    positions = [text.index(f"| {row['rank']}. ") for row in ranked]
    assert positions == sorted(positions)
    assert all(
        row["recipe"] in text[position:].splitlines()[0]
        for row, position in zip(ranked, positions, strict=True)
    )
