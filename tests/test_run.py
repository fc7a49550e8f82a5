import dataclasses
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from pneumo_tf.atomic import write_atomically
from pneumo_tf.data.films import Film, Films
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.run import Predictions, Runs, RunSpec

SPEC = RunSpec(
    recipe=Recipe("net", "vgg16", (Phase(1, 1e-3),), size=64),
    protocol="official",
    dataset="abc",
    profile="quick",
    seed=0,
    fold=None,
    precision="float32",
    weights="random",
)


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "cv5"},
        {"dataset": "abd"},
        {"profile": "full"},
        {"seed": 1},
        {"fold": 0},
        {"precision": "mixed_bfloat16"},
        {"weights": "imagenet 12"},
        {"train_films": 100},
        {"recipe": dataclasses.replace(SPEC.recipe, batch=7)},
    ],
)
def test_whatever_decides_a_result_is_in_the_id(change):
    assert dataclasses.replace(SPEC, **change).id != SPEC.id


def test_the_id_is_stable():
    # Pinned: a change of this hash makes every finished run of every user start again.
    assert dataclasses.replace(SPEC, harness=1).id == "net-official-seed0-2c9b2202ec"


def test_description_is_not_in_the_id():
    described = dataclasses.replace(SPEC, recipe=dataclasses.replace(SPEC.recipe, source="a paper"))
    assert described.id == SPEC.id


def test_a_folder_gives_back_what_was_written(tmp_path):
    folder = Runs(tmp_path).plan(SPEC)
    logits = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    folder.write_predictions("test", Predictions(tuple("abcde"), logits))
    folder.write_history([{"epoch": 1, "loss": 0.25}, {"epoch": 2, "loss": 1e-9}])
    folder.write_arrays("explained", {"maps": np.ones((2, 3)), "ids": np.array(["a", "b"])})
    assert folder.spec == SPEC
    assert folder.state == "planned"
    read = folder.read_predictions("test")
    assert read.ids == tuple("abcde")
    np.testing.assert_array_equal(read.logits, logits)
    assert folder.read_history()[1] == {"epoch": 2.0, "loss": 1e-9}
    assert folder.read_arrays("explained")["ids"].tolist() == ["a", "b"]
    assert folder.prediction_sets() == ["test"]


def test_gzipped_predictions_read_the_same(tmp_path):
    folder = Runs(tmp_path).plan(SPEC)
    folder.write_predictions("test", Predictions(("a",), np.array([[1.5]], np.float32)))
    plain = folder.path / "predictions" / "test.csv"
    plain.with_suffix(".csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert folder.read_predictions("test").score.tolist() == [1.5]
    assert folder.prediction_sets() == ["test"]


def test_score_is_the_difference_of_two_logits_or_the_single_one():
    pair = Predictions(("a",), np.array([[1.0, 3.0]], np.float32))
    assert pair.score.tolist() == [2.0]


def test_done_clears_the_workplace_and_planning_again_changes_nothing(tmp_path):
    runs = Runs(tmp_path)
    folder = runs.plan(SPEC)
    folder.work.mkdir()
    folder.set_status("done")
    assert not folder.work.exists()
    assert runs.plan(SPEC).state == "done"
    assert runs.state(SPEC) == "done"
    folder.clear()
    assert runs.state(SPEC) == "planned"


def test_a_finished_run_takes_a_better_description_on(tmp_path):
    runs = Runs(tmp_path)
    runs.plan(SPEC).set_status("done")
    described = dataclasses.replace(SPEC, recipe=dataclasses.replace(SPEC.recipe, source="a paper"))
    folder = runs.plan(described)
    assert (folder.state, folder.spec.recipe.source) == ("done", "a paper")


def test_missing_predictions_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match="--fresh"):
        Runs(tmp_path).plan(SPEC).read_predictions("test")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_film_tables_survive_csv():
    films = Films(
        (
            Film("a/b.jpeg", 1, "virus", "virus-1", "test", 3, 4, "ff"),
            Film("c", 0, "normal", "n", "train", 5, 6, "0"),
        )
    )
    read = Films.from_csv(films.to_csv())
    assert read == films
    assert read.fingerprint == films.fingerprint
    assert read.indices(["c", "a/b.jpeg"]).tolist() == [1, 0]


REFERENCE = Path(__file__).parents[1] / "outputs" / "reference"


def test_stored_runs_keep_the_ids_that_they_were_made_under():
    folders = list(Runs(REFERENCE))
    assert len(folders) == 35
    assert [folder.spec.id for folder in folders] == [folder.path.name for folder in folders]


def test_another_harness_is_another_run():
    ids = {dataclasses.replace(SPEC, harness=version).id for version in (1, 2, 3)}
    assert len(ids) == 3
    assert RunSpec.from_dict(SPEC.to_dict()) == SPEC


def test_a_run_with_xla_is_another_run():
    compiled = dataclasses.replace(SPEC, xla=True)
    assert compiled.id != SPEC.id
    assert RunSpec.from_dict(compiled.to_dict()) == compiled
