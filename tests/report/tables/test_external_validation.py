"""Tables of external films: their numbers, their dashes, and damaged tables."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_tf.data.datasets.csv_table import CSV_TABLE
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Film, Films
from pneumo_tf.evaluation.subgroups import subgroups
from pneumo_tf.external_sets import external_set
from pneumo_tf.predictions import Predictions
from pneumo_tf.report.page import write_leaderboard
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.external_subgroups import external_subgroups_table
from pneumo_tf.report.tables.external_validation import external_validation_table
from pneumo_tf.report.tables.local_thresholds import local_thresholds_table
from tests.report.fabricate import RECIPES, fabricate_runs


def external_dataset(films=240, both=True, known=True):
    rows = []
    for number in range(films):
        label = number % 2 if both else 1
        patient = f"P{number // 2}" if known else f"film:f{number}"
        row = Film(
            f"f{number}", label, ("normal", "pneumonia")[label], patient, "test", 64, 64, f"{number:x}"
        )
        rows.append(row)
    ages = {f"f{number}": str(number % 80) for number in range(films)}
    views = {f"f{number}": ("AP", "PA")[number % 4 > 1] for number in range(films - 60)}
    return Dataset(
        CSV_TABLE, "other: films", None, Films(tuple(rows), covariates={"age": ages, "view": views})
    )


def score_external(runs, dataset, leave_out=()):
    runs.write_films(dataset)
    rng = np.random.default_rng(0)
    for folder in runs:
        if folder.state == "done" and folder.path.name not in leave_out:
            score = rng.normal(1.2 * dataset.films.labels + 2, 1)[:, None].astype(np.float32)
            ids = tuple(film.id for film in dataset.films)
            name = external_set(dataset.films.fingerprint)
            folder.write_predictions(name, Predictions(ids, score))


@pytest.fixture
def scored(tmp_path):
    runs = fabricate_runs(tmp_path / "runs", RECIPES[:3], flawed=False)
    score_external(runs, external_dataset())
    return runs


def test_aucs_are_those_of_the_stored_predictions(scored):
    (board,) = read_boards(scored)
    (table,) = external_validation_table(board)
    assert len(table.rows) == len(board.ranking) and table.title == "other: films"
    name = external_set(external_dataset().films.fingerprint)
    for row, cells in zip(board.ranking, table.rows, strict=True):
        aucs = [
            roc_auc_score(external_dataset().films.labels, run.read_predictions(name).logits[:, 0])
            for run in row.runs
        ]
        assert float(cells[1].split()[0]) == pytest.approx(np.mean(aucs), abs=0.006)
    assert table.lead.startswith("120 normal films and 120 of pneumonia; 120 patients. Of ")
    places = [tuple(map(int, cells[3].split(" → "))) for cells in table.rows]
    assert sorted(place for _, place in places) == [place for place, _ in places]


def test_nothing_is_shown_of_a_board_without_other_films(tmp_path):
    (board,) = read_boards(fabricate_runs(tmp_path / "runs", RECIPES[:2], flawed=False))
    for make in (external_validation_table, external_subgroups_table, local_thresholds_table):
        assert make(board) == []


def test_groups_need_patients_of_both_classes(scored):
    dataset = external_dataset()
    found = dict(subgroups(dataset.films))
    assert list(found) == ["under 18 years", "18 to 39", "40 to 64", "65 and above", "view AP", "view PA"]
    assert found["under 18 years"].sum() == sum(number % 80 < 18 for number in range(240))
    few = Films(dataset.films.rows[:30], covariates=dataset.films.covariates)
    assert dict(subgroups(few)) == {}
    (table,) = external_subgroups_table(read_boards(scored)[0])
    assert len(table.header) == 7 and all(len(cells) == 7 for cells in table.rows)


def test_local_thresholds_need_twice_as_many_films(scored):
    (table,) = local_thresholds_table(read_boards(scored)[0])
    for _, source, fifty, hundred, two_hundred in table.rows:
        assert " / " in source and fifty.count("[") == 2 and hundred.count("[") == 2 and two_hundred == "–"


def test_films_of_one_class_give_dashes_with_the_reason(tmp_path):
    runs = fabricate_runs(tmp_path / "runs", RECIPES[:2], flawed=False)
    score_external(runs, external_dataset(both=False, known=False))
    (board,) = read_boards(runs)
    (table,) = external_validation_table(board)
    assert all(cells[1:4] == ("–", "–", "–") for cells in table.rows)
    assert "these films are of one class" in table.notes[0] and "patients unknown." in table.lead
    assert external_subgroups_table(board)[0].rows == []
    frame = board.to_frame()
    outside = frame["set"] == external_set(external_dataset(both=False, known=False).films.fingerprint)
    assert frame[outside]["patients"].isna().all() and frame[~outside]["patients"].notna().all()


def test_runs_and_rows_that_were_not_scored_are_named(tmp_path):
    runs = fabricate_runs(tmp_path / "runs", RECIPES[:3], flawed=False)
    (board,) = read_boards(runs)
    first, *rest = (row for row in board.ranking if not row.trivial)
    left_out = {first.runs[0].path.name, *(run.path.name for row in rest for run in row.runs)}
    score_external(runs, external_dataset(), left_out)
    (table,) = external_validation_table(read_boards(runs)[0])
    assert f"{first.name}: 1 of 2 runs were scored on this set." in table.notes
    assert table.notes[-1] == f"Not scored on this set: {', '.join(row.name for row in rest)}."


def test_a_damaged_table_of_other_films_leaves_the_board_and_is_named(scored):
    path = scored.dataset_folder(external_dataset().films.fingerprint) / "films.csv"
    path.write_text("id\n")
    (board,) = read_boards(scored)
    assert board.ranking and not board.external
    assert "films.csv" in board.notes[-1] and "are left out" in board.notes[-1]


def test_a_missing_film_of_another_set_sets_the_run_aside(scored):
    folder = next(iter(scored))
    path = folder.predictions_file(external_set(external_dataset().films.fingerprint))
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    (board,) = read_boards(scored)
    (unfinished,) = [one for row in board.rows for one in row.unfinished]
    assert "1 of 240 films are missing" in unfinished.reason


def test_the_frame_has_the_same_values(scored):
    (board,) = read_boards(scored)
    frame = board.to_frame()
    name = external_set(external_dataset().films.fingerprint)
    lines = frame[(frame["set"] == name) & (frame["metric"] == "auc")].set_index("row")
    (validation,) = board.external_validations
    for one in validation.rows:
        expected = one.result.auc
        assert lines.loc[one.row.name, ["value", "low", "high"]].tolist() == pytest.approx(
            [expected.value, expected.low, expected.high], abs=0.01
        )
        assert lines.loc[one.row.name, ["films", "patients"]].tolist() == [240, 120]


def test_the_page_has_the_tables(scored, tmp_path):
    page = write_leaderboard(read_boards(scored), tmp_path / "report")
    text = page.read_text()
    assert "### External validation\n" in text and "#### other: films" in text
