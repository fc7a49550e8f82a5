"""Run folders become rows and boards: what belongs together, what never does, and how rows rank."""

import gzip
import shutil
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.films import Film, Films
from pneumo_tf.errors import UserError
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.report.provenance import opening
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.standings import (
    INFORMED,
    NOT_ABOVE_AT_THRESHOLD,
    NOT_ABOVE_TRIVIAL,
    WITHOUT_IMAGENET,
    rank_rows,
)
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs
from tests.report.fabricate import RECIPES, TWO_PHASES, fabricate_films, fabricate_runs, finish

TINY = Films(
    tuple(
        Film(f"{split}/{number}.jpeg", label, kind, f"{split}-{number}", split, 10, 10, f"{split}{number}")
        for split in ("train", "test")
        for number, (label, kind) in enumerate([(0, "normal"), (0, "normal"), (1, "virus"), (1, "bacteria")])
    )
)


def tiny_run(runs, recipe, seed, score, validation=(-1, -1, 1, 1)):
    spec = RunSpec(recipe, "official", TINY.fingerprint, "full", seed, None, "float32", "random")
    folder = runs.plan(spec)
    for name, split, values in (("test", "test", score), ("validation", "train", validation)):
        part = TINY.where(lambda film, split=split: film.split == split)
        logits = np.array(values, np.float32)[:, None]
        folder.write_predictions(name, Predictions(tuple(film.id for film in part), logits))
    folder.write_json("status.json", {"state": "done", "reason": "", "at": 100.0 + seed})
    return folder


def only(boards):
    assert len(boards) == 1
    return boards[0]


def test_a_board_of_two_runs_counted_by_hand(tmp_path):
    runs = Runs(tmp_path)
    runs.write_films(Dataset(KERMANY, "Four films", None, TINY))
    recipe = Recipe("net", "cnn", (Phase(1, 1e-3),))
    tiny_run(runs, recipe, 0, [-1, 2, 1, 3])  # normals −1, 2; virus 1; bacteria 3: three of four pairs right
    tiny_run(runs, recipe, 1, [-1, -2, -3, 4])  # −1, −2; −3; 4: two of four pairs right
    board = only(read_boards(runs))
    (row,) = board.rows
    assert row.estimates["auc"].runs == (0.75, 0.5)
    assert row.estimates["auc"].value == 0.625
    assert row.estimates["auc"].sd == pytest.approx(0.125 * np.sqrt(2))
    assert row.estimates["accuracy"].runs == (0.75, 0.75)
    assert row.estimates["specificity"].runs == (0.5, 1.0)
    assert row.estimates["sensitivity"].runs == (1.0, 0.5)
    assert row.estimates["sensitivity_virus"].runs == (1.0, 0.0)
    assert row.estimates["f1"].runs == pytest.approx((4 / 5, 2 / 3))
    assert row.validation_auc == 1.0
    assert rank_rows(board)[0].gap == 0.375
    assert board.newest == 101.0


def test_profiles_and_datasets_never_mix(tmp_path):
    fabricate_runs(tmp_path, flawed=False)
    fabricate_runs(tmp_path, flawed=False, profile="quick")
    fabricate_runs(tmp_path, flawed=False, title="Others", n_test=80)
    boards = read_boards(Runs(tmp_path))
    assert len({(board.dataset, board.profile) for board in boards}) == len(boards) == 3
    for board in boards:
        for row in board.rows:
            assert {(spec.dataset, spec.profile) for spec in row.specs} == {(board.dataset, board.profile)}


def test_newest_board_comes_first(tmp_path):
    runs = fabricate_runs(tmp_path, flawed=False)
    later = RunSpec(
        RECIPES[2], "official", fabricate_films().fingerprint, "quick", 0, None, "float32", "random"
    )
    finish(runs.plan(later), fabricate_films(), at=2e9)
    assert [board.profile for board in read_boards(runs)] == ["quick", "full"]


def test_protocols_are_rows_of_their_own_and_only_the_official_ranks(tmp_path):
    board = only(read_boards(fabricate_runs(tmp_path)))
    twice = [row for row in board.rows if row.name == "convnext_base"]
    assert [row.protocol for row in twice] == ["official", "published-validation-head"]
    assert {standing.row.protocol for standing in rank_rows(board)} == {"official"}


def test_runs_that_differ_in_precision_or_weights_are_not_averaged(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], flawed=False)
    folder = next(iter(runs))
    for change in ({"precision": "mixed_float16"}, {"weights": "random"}):
        finish(runs.plan(replace(folder.spec, **change)), fabricate_films())
    rows = only(read_boards(runs)).rows
    assert sorted(len(row.runs) for row in rows) == [1, 1, 2]
    assert len({row.name for row in rows}) == 3


def test_rows_rank_by_auc_and_carry_their_marks(tmp_path):
    ranked = rank_rows(only(read_boards(fabricate_runs(tmp_path))))
    values = [standing.row.estimates["auc"].value for standing in ranked]
    assert values == sorted(values, reverse=True)
    assert [standing.rank for standing in ranked] == list(range(1, len(ranked) + 1))
    marks = {standing.row.name: standing.marks for standing in ranked}
    assert marks["mobilenet_crops"] == INFORMED
    assert marks["densenet121"] == NOT_ABOVE_AT_THRESHOLD + WITHOUT_IMAGENET
    assert marks["cnn_baseline"] == NOT_ABOVE_TRIVIAL + NOT_ABOVE_AT_THRESHOLD
    assert marks["file_size_only"] == marks["convnext_base"] == ""


def test_a_row_beats_a_trivial_one_only_by_the_paired_test(tmp_path):
    board = only(read_boards(fabricate_runs(tmp_path, flawed=False)))
    rows = {row.name: row for row in board.rows}
    assert rows["convnext_base"].key in board.above_trivial["auc"]
    assert rows["file_size_only"].key not in board.above_trivial["auc"]
    assert rows["cnn_baseline"].estimates["auc"].value > rows["file_size_only"].estimates["auc"].value
    assert rows["cnn_baseline"].key not in board.above_trivial["auc"]


def test_intervals_that_overlap_may_hide_a_difference_on_the_same_films(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[2:3] + RECIPES[-1:], seeds=1, n_test=400, flawed=False)
    (net, trivial) = runs
    better = trivial.read_predictions("test")
    rng = np.random.default_rng(0)
    label = np.array(["PNEUMONIA" in film for film in better.ids])
    score = better.score + 0.6 * label + rng.normal(0, 0.1, len(label))
    net.write_predictions("test", Predictions(better.ids, score[:, None].astype(np.float32)))
    board = only(read_boards(runs))
    one, other = (row.estimates["auc"] for row in board.ranking)
    assert one.low < other.high
    assert board.above_trivial["auc"] == {board.ranking[0].key}
    assert rank_rows(board)[0].marks == ""


def test_rows_share_a_letter_unless_they_differ_and_rank_intervals_hold_the_rank(tmp_path):
    board = only(read_boards(fabricate_runs(tmp_path, n_test=624)))
    ranked = rank_rows(board)
    assert ranked[0].letters == "a"
    for one, other in combinations(range(len(ranked)), 2):
        shared = set(ranked[one].letters) & set(ranked[other].letters)
        assert bool(shared) != board.comparison.significant[one, other]
    assert board.comparison.significant.any()
    assert all(standing.ranks[0] <= standing.rank <= standing.ranks[1] for standing in ranked)


def rescored(row, name, shift, noise, seed=0):
    """The row under another name, with a shift of the positives and noise added to its scores."""
    added = np.random.default_rng(seed).normal(0, noise, len(row.test[0]))
    scored = replace(row.test[0], score=row.test[0].score + shift * row.test[0].labels + added)
    return replace(row, name=name, sets=({**row.sets[0], "test": scored},))


def test_a_verdict_against_the_best_trivial_row_does_not_depend_on_other_trivial_rows(tmp_path):
    (trivial,) = only(read_boards(fabricate_runs(tmp_path, RECIPES[5:6], flawed=False))).rows
    model = replace(rescored(trivial, "net", 0.4, 0.5), recipe=RECIPES[3])
    board = replace(only(read_boards(Runs(tmp_path))), rows=(model, trivial))
    assert 0.001 < board.comparison.p[0, 1] < 0.05
    assert board.above_trivial["auc"] == {model.key}
    worse = (rescored(trivial, f"trivial_{number}", 0, 6, number) for number in range(12))
    more = replace(board, rows=(*board.rows, *worse))
    assert more.ranking[:2] == board.ranking
    assert not more.comparison.significant[0, 1]
    assert more.above_trivial["auc"] == {model.key}


def test_a_model_that_ranks_high_but_decides_badly_has_a_mark(tmp_path):
    (trivial,) = only(read_boards(fabricate_runs(tmp_path, RECIPES[5:6], flawed=False))).rows
    better = replace(rescored(trivial, "net", 4, 0), recipe=RECIPES[3])
    moved = {"test": replace(better.test[0], score=better.test[0].score + 12)}
    alarming = replace(better, name="moved", sets=({**better.sets[0], **moved},))
    board = replace(only(read_boards(Runs(tmp_path))), rows=(trivial, better, alarming))
    assert board.above_trivial["auc"] == {better.key, alarming.key}
    assert board.above_trivial["accuracy"] == board.above_trivial["brier"] == {better.key}
    marks = {standing.row.name: standing.marks for standing in rank_rows(board)}
    assert marks == {"net": "", "moved": NOT_ABOVE_AT_THRESHOLD, trivial.name: ""}


def test_rows_without_an_auc_have_no_letters(tmp_path):
    runs = Runs(tmp_path)
    sick = Films(tuple(film for film in TINY if film.split == "train" or film.label))
    runs.write_films(Dataset(KERMANY, "Only pneumonia in the test films", None, sick))
    spec = RunSpec(
        Recipe("net", "cnn", (Phase(1, 1e-3),)),
        "official",
        sick.fingerprint,
        "full",
        0,
        None,
        "float32",
        "random",
    )
    folder = runs.plan(spec)
    for name, split in (("test", "test"), ("validation", "train")):
        ids = tuple(film.id for film in sick if film.split == split)
        folder.write_predictions(name, Predictions(ids, np.ones((len(ids), 1), np.float32)))
    folder.set_status("done")
    (standing,) = rank_rows(only(read_boards(runs)))
    assert (standing.letters, standing.ranks) == (None, None)


def test_runs_that_are_not_done_stay_with_their_reason(tmp_path):
    board = only(read_boards(fabricate_runs(tmp_path)))
    vgg = next(row for row in board.rows if row.name == "vgg16")
    assert vgg.runs == ()
    assert vgg.estimates == {}
    assert [run.state for run in vgg.unfinished] == ["failed", "interrupted"]
    assert next(row for row in board.rows if row.name == "convnext_base").unfinished


def test_runs_of_two_harnesses_are_two_boards(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    spec = next(iter(runs)).spec
    finish(runs.plan(replace(spec, harness=spec.harness - 1)), fabricate_films())
    boards = {board.harness: board for board in read_boards(runs)}
    assert boards.keys() == {spec.harness, spec.harness - 1}
    assert [len(row.runs) for board in boards.values() for row in board.rows] == [1, 1]
    warned = [any("Older harness" in line for line in opening(board)) for board in boards.values()]
    assert dict(zip(boards, warned, strict=True)) == {spec.harness: False, spec.harness - 1: True}


def test_a_run_under_another_name_is_set_aside(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    folder = next(iter(runs))
    folder.path.rename(folder.path.with_name("renamed"))
    (row,) = only(read_boards(runs)).rows
    assert row.runs == ()
    assert row.unfinished[0].state == "set aside"
    assert row.unfinished[0].reason == "its folder, renamed, is not named after its id"


def test_a_copy_of_a_run_under_another_name_is_set_aside_and_the_run_counts_once(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    (folder,) = runs
    shutil.copytree(folder.path, folder.path.with_name("copy"))
    (row,) = only(read_boards(runs)).rows
    assert [run.path for run in row.runs] == [folder.path]
    assert [run.name for run in row.unfinished] == ["copy"]


def test_folds_are_runs_of_one_row(tmp_path):
    runs = fabricate_runs(tmp_path, (), flawed=False)
    recipe = Recipe("net", "cnn", TWO_PHASES)
    for fold in (1, 0):
        spec = RunSpec(recipe, "folds", fabricate_films().fingerprint, "full", 0, fold, "float32", "random")
        finish(runs.plan(spec), fabricate_films())
    (row,) = only(read_boards(runs)).rows
    assert [spec.fold for spec in row.specs] == [0, 1]


def test_what_cannot_be_read_is_one_line_that_names_the_folder(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    folder = next(iter(runs))
    values = folder.read_json("run.json")
    folder.write_json("run.json", values | {"recipe": values["recipe"] | {"batches": 3}})
    with pytest.raises(UserError, match=f"{folder.path.name}.*run.json.*batches"):
        read_boards(runs)


def spoiled(tmp_path, spoil, name="test", packed=False):
    """The reason why a run is set aside whose prediction file was spoiled, and the lines it had before."""
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=2, flawed=False)
    file = list(runs)[1].predictions_file(name)
    lines = file.read_text("utf-8").splitlines()
    text = "\n".join(spoil(lines)) + "\n"
    if packed:
        file.unlink()
        file = file.with_suffix(".csv.gz")
        file.write_bytes(gzip.compress(text.encode()))
    else:
        file.write_text(text, "utf-8")
    (row,) = only(read_boards(runs)).rows
    assert [run.path.name for run in row.runs] == [next(iter(runs)).path.name]
    (run,) = row.unfinished
    assert run.state == "damaged" and f"predictions/{file.name}" in run.reason
    return run.reason, lines


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["test", "validation"])
def test_a_missing_film_names_file_and_film(tmp_path, name, packed):
    message, lines = spoiled(tmp_path, lambda lines: lines[:3] + lines[4:], name, packed)
    assert f"1 of {len(lines) - 1} films are missing, such as {lines[3].split(',')[0]!r}" in message


@pytest.mark.parametrize("name", ["test", "validation"])
def test_a_film_that_is_predicted_twice_is_named(tmp_path, name):
    message, lines = spoiled(tmp_path, lambda lines: [*lines, lines[5]], name)
    assert f"{lines[5].split(',')[0]!r} is predicted twice" in message


def test_an_unknown_film_is_named(tmp_path):
    message, _ = spoiled(tmp_path, lambda lines: [*lines[:-1], "elsewhere.jpeg,0.0,1.0"])
    assert "1 predicted films are not in the film table, such as 'elsewhere.jpeg'" in message


def test_a_training_film_among_the_test_films_is_named(tmp_path):
    stranger = next(film.id for film in fabricate_films() if film.split == "train")
    message, _ = spoiled(tmp_path, lambda lines: [*lines, f"{stranger},0.0,1.0"])
    assert f"1 films do not belong to the set, such as {stranger!r}" in message


def test_a_score_that_is_not_a_number_is_named(tmp_path):
    message, lines = spoiled(
        tmp_path, lambda lines: [*lines[:9], lines[9].split(",")[0] + ",nan,0.5", *lines[10:]]
    )
    assert f"the score of {lines[9].split(',')[0]!r} is not a number" in message


@pytest.mark.parametrize("line", ["test/NORMAL/x.jpeg,0.1", "test/NORMAL/x.jpeg,0.1,much", "x"])
def test_a_line_that_cannot_be_read_is_named(tmp_path, line):
    message, _ = spoiled(tmp_path, lambda lines: [*lines[:4], line, *lines[4:]])
    assert f"line 5, {line!r}, is not a film with its logits" in message


def test_an_empty_file_is_named(tmp_path):
    assert "it holds no logits" in spoiled(tmp_path, lambda lines: [])[0]


def test_a_damaged_archive_is_named(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    (run,) = runs
    packed = run.predictions_file("test").with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(b"film,logit\n" * 100)[:-20])
    (row,) = only(read_boards(runs)).rows
    assert f"{packed.name}: cannot be read" in row.unfinished[0].reason


def test_labels_that_changed_since_name_the_table_and_the_film(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    (table,) = tmp_path.glob("datasets/*/films.csv")
    lines = table.read_text("utf-8").splitlines()
    film, label, *rest = lines[7].split(",")
    lines[7] = ",".join([film, str(1 - int(label)), *rest])
    table.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(UserError) as raised:
        read_boards(runs)
    assert "films.csv" in str(raised.value) and repr(film) in str(raised.value)


def test_patients_that_changed_since_name_the_table(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=1, flawed=False)
    (table,) = tmp_path.glob("datasets/*/films.csv")
    table.write_text(table.read_text("utf-8").replace("virus-test-1,", "virus-test-2,", 1), "utf-8")
    with pytest.raises(UserError, match="films.csv: was changed after its runs were made"):
        read_boards(runs)
