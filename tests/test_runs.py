import dataclasses
from pathlib import Path

from pneumo_tf.runs import Runs
from tests.example_spec import SPEC

REFERENCE = Path(__file__).parents[1] / "outputs" / "reference"


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


def test_stored_runs_keep_the_ids_that_they_were_made_under():
    folders = list(Runs(REFERENCE))
    assert len(folders) == 35
    assert [folder.spec.id for folder in folders] == [folder.path.name for folder in folders]
