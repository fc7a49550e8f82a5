"""The tidy table: its numbers against scikit-learn on the prediction files, and against the leaderboard."""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from benchmarks.report import main
from pneumo_tf.errors import UserError
from pneumo_tf.report import export, load_boards
from pneumo_tf.report.frame import COLUMNS, concatenate
from tests.report.fabricate import RECIPES, fabricate_runs

REFERENCE = Path(__file__).parents[2] / "outputs" / "reference"
KEY = ["dataset", "profile", "protocol", "row", "metric"]

MEASURES = {
    "auc": lambda true, score: sk.roc_auc_score(true, score),
    "average_precision": lambda true, score: sk.average_precision_score(true, score),
    "accuracy": lambda true, score: sk.accuracy_score(true, score > 0),
    "balanced_accuracy": lambda true, score: sk.balanced_accuracy_score(true, score > 0),
    "sensitivity": lambda true, score: sk.recall_score(true, score > 0),
    "specificity": lambda true, score: sk.recall_score(true, score > 0, pos_label=0),
    "f1": lambda true, score: sk.f1_score(true, score > 0),
    "macro_f1": lambda true, score: sk.f1_score(true, score > 0, average="macro"),
    # scikit-learn gives 0 where it is not defined.
    "mcc": lambda true, score: sk.matthews_corrcoef(true, score > 0) if len(set(score > 0)) > 1 else np.nan,
    "brier": lambda true, score: sk.brier_score_loss(true, 1 / (1 + np.exp(-score))),
}


@pytest.fixture(scope="module")
def boards():
    return load_boards(REFERENCE)


@pytest.fixture(scope="module")
def frame(boards):
    return boards.to_frame()


@pytest.fixture(scope="module")
def films():
    (table,) = REFERENCE.glob("datasets/*/films.csv")
    with table.open(encoding="utf-8") as file:
        return {line["id"]: line for line in csv.DictReader(file)}


def read_scores(run, name):
    """Score by film id, from the file alone."""
    with gzip.open(REFERENCE / run / "predictions" / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        _, *lines = csv.reader(file)
    return {film: float(logits[-1]) - (float(logits[0]) if len(logits) > 1 else 0) for film, *logits in lines}


def models_of(line):
    """Scores by film id of each model of a line: folds together score the films that they hold out once."""
    runs = [read_scores(run, line.set) for run in line.run_ids.split()]
    return [{film: score for run in runs for film, score in run.items()}] if line.set == "held_out" else runs


@pytest.mark.parametrize("metric", MEASURES)
def test_values_are_those_of_scikit_learn(metric, frame, films):
    lines = frame[frame["metric"] == metric]
    assert set(lines["set"]) == {"test", "validation", "held_out"}
    for line in lines.itertuples():
        values = []
        for scores in models_of(line):
            true = np.array([int(films[film]["label"]) for film in scores])
            values.append(MEASURES[metric](true, np.array(list(scores.values()))))
        assert line.value == pytest.approx(np.mean(values), abs=1e-9, nan_ok=True), (
            line.row,
            line.protocol,
            line.set,
        )
        assert (
            np.isnan(line.sd)
            if len(values) == 1
            else line.sd == pytest.approx(np.std(values, ddof=1), abs=1e-9)
        )


def test_films_and_patients_are_those_of_the_files(frame, films):
    for line in frame[frame["metric"] == "auc"].itertuples():
        scored = {film for scores in models_of(line) for film in scores}
        assert line.films == len(scored)
        assert line.patients == len({films[film]["patient"] for film in scored})


def test_every_value_has_an_interval_around_it_except_of_folds_that_validate_on_different_films(frame):
    without = (frame["protocol"] == "cv5") & (frame["set"] == "validation")
    assert frame.loc[without, ["low", "high"]].isna().all(axis=None)
    known = frame[~without & frame["value"].notna() & frame["low"].notna()]
    assert (known["low"] <= known["value"]).all() and (known["value"] <= known["high"]).all()
    assert set(frame.loc[~without & frame["low"].isna(), "row"]) == {"majority"}


def test_the_leaderboard_holds_the_same_numbers(boards, frame):
    exported = pd.read_csv(io.StringIO(export.to_csv(boards))).rename(columns={"recipe": "row"})
    tested = frame[frame["set"] == "test"]
    both = tested.merge(exported, on=KEY, suffixes=("", "_exported"), how="outer", validate="one_to_one")
    assert len(both) == len(tested) == len(exported)
    for column in ("value", "low", "high", "sd"):
        np.testing.assert_allclose(both[column], both[f"{column}_exported"], rtol=0, atol=5.1e-7)
    assert (both["films"] == both["test_films"]).all() and (both["patients"] == both["test_patients"]).all()


def test_no_line_occurs_twice(frame):
    assert not frame.duplicated([*KEY, "set"]).any()
    assert dict(frame.dtypes.astype(str)) == COLUMNS


@pytest.mark.parametrize("inside", ["", "runs"])
def test_a_folder_of_outputs_is_loaded_as_its_folder_of_runs(inside, tmp_path):
    fabricate_runs(tmp_path / inside, seeds=1)
    boards = load_boards(tmp_path)
    assert repr(boards) == f"Phantom chest films, profile full: {len(boards[0].rows)} rows"
    assert set(boards[0].to_frame()["row"]) == {row.name for row in boards[0].rows if row.runs}


def test_a_folder_without_runs_is_one_line(tmp_path):
    with pytest.raises(UserError, match="has no runs; make some with python -m benchmarks.run_all"):
        load_boards(str(tmp_path))


def test_tables_without_lines_keep_the_types_of_others(frame):
    assert dict(concatenate([]).dtypes) == dict(frame.dtypes)
    assert dict(concatenate([frame, concatenate([])]).dtypes) == dict(frame.dtypes)


def test_the_command_writes_the_table(tmp_path, capsys):
    fabricate_runs(tmp_path / "runs", RECIPES[:1], seeds=1, n_test=40, n_train=80, flawed=False)
    table = tmp_path / "tables" / "all.csv"
    assert main(["--runs", str(tmp_path / "runs"), "--out", str(tmp_path), "--csv", str(table)]) == 0
    assert f"table: {table}\n" in capsys.readouterr().out
    lines = list(csv.DictReader(table.open(encoding="utf-8")))
    ours = load_boards(tmp_path).to_frame()
    assert list(lines[0]) == list(COLUMNS) == list(ours.columns)
    assert [line["set"] for line in lines] == ours["set"].to_list()
    values = [float(line["value"] or "nan") for line in lines]
    np.testing.assert_allclose(values, ours["value"], rtol=0, atol=5.1e-7)


def test_the_page_of_outputs_describes_every_column():
    described = (REFERENCE.parent / "README.md").read_text("utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in described] == []
