from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.reference import REFERENCE, STUDIES, main, store_runs
from pneumo_tf.evaluation.one_vs_rest import count_confusions, one_vs_rest
from pneumo_tf.evaluation.operating_points import choose_threshold
from pneumo_tf.report.cross_validation import cross_validations
from pneumo_tf.report.external import ExternalValidation
from pneumo_tf.report.image_and_metadata import measure_image_and_metadata
from pneumo_tf.report.reading import read_boards
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs
from tests.report.fabricate import fabricate_runs

ROOT = Path(__file__).parents[2]


def test_kept_runs_make_the_same_board_without_models_and_logs(tmp_path):
    runs, reference = tmp_path / "runs", tmp_path / "reference"
    fabricate_runs(runs)
    done = [folder for folder in Runs(runs) if folder.state == "done"]
    (done[0].path / "model.keras").write_bytes(b"large")
    done[0].write_json("explanations.json", {"grid": [7, 7]})
    assert store_runs(runs, reference) == len(done)
    names = {path.name for path in reference.rglob("*")}
    assert "model.keras" not in names
    assert "log.txt" not in names
    assert "explanations.json" not in names
    assert RunFolder(reference / done[0].path.name).read_json("explanations.json") == {"grid": [7, 7]}
    before = {row.name: row for board in read_boards(Runs(runs)) for row in board.rows if row.runs}
    after = {row.name: row for board in read_boards(Runs(reference)) for row in board.rows}
    assert set(after) == set(before)
    for name, row in after.items():
        assert row.estimates["auc"] == before[name].estimates["auc"]


def make_page(root, study, text="above\n<!-- {0}: how -->\nSTALE\n<!-- /{0} -->\nbelow\n"):
    page = root / STUDIES[study].page
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text.format(STUDIES[study].part))
    return page


def test_the_page_is_written_between_its_marks_and_twice_the_same(tmp_path):
    fabricate_runs(tmp_path / "runs")
    page = make_page(tmp_path, "suite")
    assert main(["--runs", str(tmp_path / "runs"), "--study", "suite", "--root", str(tmp_path)]) == 0
    first = page.read_text()
    assert main(["--study", "suite", "--root", str(tmp_path)]) == 0
    assert page.read_text() == first
    assert first.startswith("above\n<!-- boards: how -->\n")
    assert first.endswith("<!-- /boards -->\nbelow\n")
    assert "| Recipe |" in first
    assert "STALE" not in first


def test_runs_of_one_study_are_on_no_page_of_another(tmp_path):
    fabricate_runs(tmp_path / "runs")
    readme = make_page(tmp_path, "suite")
    make_page(tmp_path, "three_classes")
    where = ["--root", str(tmp_path)]
    assert main(["--runs", str(tmp_path / "runs"), "--study", "three_classes", *where]) == 0
    assert list(Runs(tmp_path / REFERENCE)) == []
    assert main(["--study", "suite", *where]) == 0
    assert "| Recipe |" not in readme.read_text()


def test_every_part_of_a_page_that_shows_the_runs_is_written(tmp_path):
    fabricate_runs(tmp_path / "runs")
    page = tmp_path / STUDIES["external"].page
    page.parent.mkdir()
    page.write_text(
        "".join(f"<!-- {part}: how -->\nSTALE\n<!-- /{part} -->\n" for part in ("external", "boxes"))
    )
    assert main(["--runs", str(tmp_path / "runs"), "--study", "external", "--root", str(tmp_path)]) == 0
    assert "STALE" not in page.read_text()


def test_a_page_without_marks_is_left_alone(tmp_path, capsys):
    page = make_page(tmp_path, "suite", "nothing here\n")
    assert main(["--root", str(tmp_path)]) == 2
    assert "lacks the marks of boards" in capsys.readouterr().err
    assert page.read_text() == "nothing here\n"


def test_runs_without_a_study_are_refused(tmp_path, capsys):
    assert main(["--runs", str(tmp_path), "--root", str(tmp_path)]) == 2
    assert "--runs needs --study" in capsys.readouterr().err


@pytest.mark.parametrize("name", STUDIES)
def test_pages_show_the_results_of_the_reference_runs(name):
    study = STUDIES[name]
    text = study.text(ROOT).strip()
    assert "| Recipe |" in text and text in (ROOT / study.page).read_text("utf-8")


def auc(run):
    return roc_auc_score(run.labels, run.score)


def test_three_classes_change_no_score_of_pneumonia_and_virus_is_hardest():
    """The sentences at the end of docs/three_classes.md."""
    (board,) = read_boards(Runs(ROOT / REFERENCE / "three_classes"))
    place = {row.name: at for at, row in enumerate(board.ranking)}
    for name in ("mobilenetv2_frozen", "baseline_cnn"):
        row = board.ranking[place[f"{name}_3_classes"]]
        low, high = board.comparison.interval(place[row.name], place[name])
        assert low < 0 < high
        aucs = [np.mean([auc(one_vs_rest(run)[at]) for run in row.test]) for at in range(3)]
        assert np.argmin(aucs) == 2
        counts = np.mean([count_confusions(run) for run in row.test], axis=0)
        wrong = counts.sum(axis=1) - np.diag(counts)
        assert np.argmax(wrong) == 0 and counts[0, 2] > counts[0, 1]
        assert wrong[0] / counts[0].sum() == pytest.approx(0.53, abs=0.08)


def test_nih_films_are_told_apart_without_lungs():
    """The sentences of docs/external.md below its shortcut test."""
    (board,) = read_boards(Runs(ROOT / REFERENCE / "nih_folds"))
    folds = {one.row.name: one for one in cross_validations(board)}
    for sets in ("out_of_fold", "ensembles"):
        (network,), (thumbnail,), (border,) = (
            map(auc, getattr(folds[name], sets)) for name in ("mobilenetv2_frozen", "thumbnail", "border")
        )
        assert network < thumbnail + 0.02
        assert border - 0.5 >= 2 / 3 * (network - 0.5)
    (found,) = measure_image_and_metadata(board)
    assert found.gain.low < 0 < found.gain.high


def test_external_films_are_not_separated_and_views_are_confounded():
    """The sentences of docs/external.md below its first tables."""
    (board,) = read_boards(Runs(ROOT / REFERENCE / "external"))
    (dataset,) = board.external
    rows = ExternalValidation(board, dataset).rows
    assert all(auc(run) < 0.6 for row in rows for run in row.films)
    column = dict(zip(dataset.films.position, dataset.films.column("view"), strict=True))
    for row in rows:
        if row.row.trivial:
            continue
        for run in row.films:
            view = np.array([column[film_id] for film_id in run.ids])
            from_front, from_behind = (run.where(view == name) for name in ("AP", "PA"))
            assert min(auc(from_front), auc(from_behind)) > auc(run)
            assert from_front.score.mean() > from_behind.score.mean()
            assert from_front.labels.mean() < from_behind.labels.mean()
    best = rows[0]
    false_alarms = [
        np.mean(run.score[run.labels == 0] > choose_threshold("youden", validation))
        for run, validation in zip(best.films, best.row.validation, strict=True)
    ]
    assert np.mean(false_alarms) == pytest.approx(0.9, abs=0.05)
