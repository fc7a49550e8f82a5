"""Five folds on the board: pooled, averaged and compared with values computed from the files."""

import csv
import json
import re

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score

from pneumo_tf.predictions import Predictions
from pneumo_tf.report.cross_validation import cross_validations
from pneumo_tf.report.page import write_leaderboard
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.calibration import fit_temperatures
from pneumo_tf.report.tables.cross_validation import UNFINISHED, cross_validation_table
from pneumo_tf.report.tables.ranking import UNRANKED
from pneumo_tf.report.tuned import tuned_models
from pneumo_tf.runs import Runs
from tests.report.fabricate import RECIPES, fabricate_runs
from tests.report.test_board_page import section, tables

NET, THUMBNAIL = RECIPES[2], RECIPES[-1]


def fabricated(tmp_path, seeds=1, recipes=(NET, THUMBNAIL)):
    return fabricate_runs(tmp_path, recipes, seeds, protocol="cv5", flawed=False)


def board_of(runs):
    (board,) = read_boards(runs)
    return board


def score_of(run, name):
    """Score by film id, read without the package."""
    rows = csv.DictReader((run.path / "predictions" / f"{name}.csv").open())
    return {
        row["film"]: float(row.get("logit") or float(row["logit_pneumonia"]) - float(row["logit_normal"]))
        for row in rows
    }


def of(runs, recipe, seed=0):
    return [run for run in runs if (run.spec.recipe.name, run.spec.seed) == (recipe.name, seed)]


def truth(films):
    return np.array(["PNEUMONIA" in film for film in films]).astype(int)


def by_hand(scores):
    labels, score = truth(scores), np.array(list(scores.values()))
    return {
        "auc": roc_auc_score(labels, score),
        "accuracy": accuracy_score(labels, score > 0),
        "sensitivity": recall_score(labels, score > 0),
        "specificity": recall_score(labels, score > 0, pos_label=0),
    }


def held_out(runs, recipe, seed=0):
    pooled = {}
    for run in of(runs, recipe, seed):
        part = score_of(run, "held_out")
        assert not pooled.keys() & part.keys()
        pooled |= part
    return pooled


def mean_scores(runs, recipe, seed=0):
    parts = [score_of(run, "test") for run in of(runs, recipe, seed)]
    return {film: np.mean([part[film] for part in parts]) for film in parts[0]}


def test_every_number_of_the_table_by_hand(tmp_path):
    runs = fabricated(tmp_path)
    for found in cross_validations(board_of(runs)):
        recipe = found.row.recipe
        single = [by_hand(score_of(run, "test")) for run in of(runs, recipe)]
        expected = {
            "out_of_fold": by_hand(held_out(runs, recipe)),
            "one_model": {name: np.mean([one[name] for one in single]) for name in single[0]},
            "ensemble": by_hand(mean_scores(runs, recipe)),
        }
        for kind, values in expected.items():
            for name, value in values.items():
                assert found.estimates[kind][name].value == pytest.approx(value, abs=1e-6), (kind, name)
        spread = np.std([one["auc"] for one in single], ddof=1)
        assert found.estimates["one_model"]["auc"].sd == pytest.approx(spread, abs=1e-6)
        assert found.estimates["out_of_fold"]["auc"].low < expected["out_of_fold"]["auc"]
        assert len(found.out_of_fold[0]) == sum(film.split == "train" for film in found.row.films)


def test_the_table_has_three_lines_a_recipe_and_shows_what_is_done(tmp_path):
    table = cross_validation_table(board_of(fabricated(tmp_path)))
    assert [line[:2] for line in table.rows[:3]] == [
        (f"**{NET.name}**", "out-of-fold, 480 films"),
        ("5 of 5 folds", "test, one model"),
        ("", "test, ensemble"),
    ]
    assert len(table.rows) == 6
    assert "±" in table.rows[1][2] and "[" in table.rows[0][2] and "[" in table.rows[2][2]
    assert UNFINISHED not in table.notes


def test_averaging_equal_models_changes_nothing(tmp_path):
    runs = fabricated(tmp_path, recipes=(NET,))
    first, *others = of(runs, NET)
    for other in others:
        other.write_predictions("test", first.read_predictions("test"))
    assert cross_validation_table(board_of(runs)).rows[2][-1].endswith(", 1.00")


def test_averaging_models_with_independent_errors_raises_auc(tmp_path):
    runs = fabricated(tmp_path, recipes=(NET,))
    for number, run in enumerate(of(runs, NET)):
        ids = run.read_predictions("test").ids
        noise = np.random.default_rng(number).normal(0, 2.0 + 0.5 * number, len(ids))
        score = (2 * truth(ids) - 1 + noise)[:, None].astype(np.float32)
        run.write_predictions("test", Predictions(ids, score))
    gain = cross_validation_table(board_of(runs)).rows[2][-1]
    single = np.mean([by_hand(score_of(run, "test"))["auc"] for run in of(runs, NET)])
    assert float(gain.split()[0]) == pytest.approx(by_hand(mean_scores(runs, NET))["auc"] - single, abs=6e-3)
    assert gain.endswith(", < 0.001")


def test_a_failed_fold_is_named_and_nothing_is_pooled(tmp_path):
    runs = fabricated(tmp_path)
    of(runs, NET)[3].set_status("failed", "out of memory")
    board = board_of(runs)
    table = cross_validation_table(board)
    assert [line[1] for line in table.rows[:3]] == [
        "out-of-fold, unfinished",
        "test, one model",
        "test, ensemble",
    ]
    assert set(table.rows[0][2:-1]) == set(table.rows[2][2:]) == {"–"}
    assert table.rows[1][0] == "4 of 5 folds of seed 0" and "±" in table.rows[1][2]
    assert table.rows[3][1] == "out-of-fold, 480 films", "the other recipe is complete"
    assert UNFINISHED in table.notes
    assert not [line for line in tuned_models(board) if line.name.startswith(NET.name)]
    text = write_leaderboard([board], tmp_path / "out").read_text("utf-8")
    assert f"| {NET.name} | cv5 | 0 (fold 3) | failed |" in text


def test_a_seed_that_lacks_folds_is_left_out_if_another_is_complete(tmp_path):
    runs = fabricated(tmp_path, seeds=2, recipes=(NET,))
    of(runs, NET, seed=1)[2].set_status("interrupted", "stopped")
    (found,) = cross_validations(board_of(runs))
    assert found.state == "5 of 5 folds; left out: 4 of 5 of seed 1"
    assert found.complete == (0,) and len(found.models) == 5
    assert found.estimates["ensemble"]["auc"].runs == (
        pytest.approx(by_hand(mean_scores(runs, NET))["auc"], abs=1e-6),
    )


def test_two_seeds_are_pooled_and_averaged_each_by_itself(tmp_path):
    runs = fabricated(tmp_path, seeds=2, recipes=(NET,))
    (found,) = cross_validations(board_of(runs))
    assert found.state == "5 of 5 folds, 2 seeds"
    for kind, scores in (("out_of_fold", held_out), ("ensemble", mean_scores)):
        values = [by_hand(scores(runs, NET, seed))["auc"] for seed in (0, 1)]
        assert found.estimates[kind]["auc"].runs == pytest.approx(values, abs=1e-6)


def test_thresholds_and_temperatures_come_from_all_films_held_out(tmp_path):
    runs = fabricated(tmp_path)
    lines = {line.name: line for line in tuned_models(board_of(runs))}
    for recipe in (NET, THUMBNAIL):
        pooled = held_out(runs, recipe)
        labels, score = truth(pooled), np.array(list(pooled.values()))

        def loss(t, labels=labels, score=score):
            return log_loss(labels, 1 / (1 + np.exp(-score / t)))

        best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded").x
        one, ensemble = (lines[f"{recipe.name}, {kind} five folds"] for kind in ("one of", "ensemble of"))
        assert (len(one.test), len(ensemble.test)) == (5, 1)
        assert fit_temperatures(one) == pytest.approx([best] * 5, rel=1e-2)
        assert fit_temperatures(ensemble) == pytest.approx([best], rel=1e-2)


def test_a_film_that_no_fold_held_out_is_named(tmp_path):
    runs = fabricated(tmp_path, recipes=(NET,))
    run = of(runs, NET)[1]
    predictions = run.read_predictions("held_out")
    run.write_predictions("held_out", Predictions(predictions.ids[1:], predictions.logits[1:]))
    (row,) = board_of(runs).rows
    (damaged,) = row.unfinished
    assert damaged.name == run.path.name and predictions.ids[0] in damaged.reason


def test_a_test_film_missing_in_one_fold_is_named(tmp_path):
    runs = fabricated(tmp_path, recipes=(NET,))
    run = of(runs, NET)[0]
    predictions = run.read_predictions("test")
    run.write_predictions("test", Predictions(predictions.ids[1:], predictions.logits[1:]))
    (row,) = board_of(runs).rows
    (damaged,) = row.unfinished
    assert damaged.name == run.path.name and "1 of 160 films are missing" in damaged.reason


def test_folds_are_shown_apart_from_the_ranking(tmp_path):
    recipes = RECIPES[:3]
    alone = fabricate_runs(tmp_path / "alone", recipes, 1, flawed=False)
    both = fabricate_runs(tmp_path / "both", recipes, 1, flawed=False)
    fabricate_runs(tmp_path / "both", recipes, 1, protocol="cv5", flawed=False)
    ranking = [
        section(write_leaderboard([board_of(runs)], tmp_path / "out").read_text("utf-8"), "Ranking")
        for runs in (alone, both)
    ]
    assert ranking[0] == ranking[1]
    text = (tmp_path / "out" / "leaderboard.md").read_text("utf-8")
    assert "also run, never ranked: cv5" in text
    assert "protocol cv5" not in section(text, "Published next to ours") + section(text, "Small CNNs")
    for title in ("Calibration", "Operating points"):
        assert "on the validation films of each run; for five folds, on all films" in section(text, title)
    for title in ("Calibration", "Operating points", "Risk and coverage"):
        assert f"{NET.name}, " in section(text, title)
    for table in tables(text):
        assert {len(line) for line in table} == {len(table[0])}, table[0]
    assert not re.search(r"\b(nan|None|inf)\b", text)


def test_a_board_of_folds_alone_states_that_nothing_ranks(tmp_path):
    runs = fabricated(tmp_path / "runs")
    text = write_leaderboard([board_of(runs)], tmp_path / "out").read_text("utf-8")
    assert UNRANKED in text
    assert "**Protocol:** never ranked: cv5" in text
    (board,) = json.loads((tmp_path / "out" / "leaderboard.json").read_text("utf-8"))["boards"]
    for row in board["rows"]:
        recipe = NET if row["recipe"] == NET.name else THUMBNAIL
        found = row["cross_validation"]
        assert found["complete_seeds"] == [0]
        assert found["out_of_fold"]["auc"]["value"] == pytest.approx(
            by_hand(held_out(Runs(tmp_path / "runs"), recipe))["auc"], abs=1e-5
        )
