"""Plans with damaged runs: other runs continue, and damaged ones are repaired on request."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.suite.planning import Suite, choose_jobs
from benchmarks.suite.run import make_folders
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from tests.report.fabricate import RECIPES, fabricate_films, fabricate_runs

FRESH = SimpleNamespace(fresh=True, retry_failed=False)
RETRY = SimpleNamespace(fresh=False, retry_failed=True)
PLAIN = SimpleNamespace(fresh=False, retry_failed=False)


@pytest.mark.parametrize("options", [FRESH, RETRY])
@pytest.mark.parametrize("file", ["status.json", "run.json", "predictions/test.csv"])
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_damaged_run_is_planned_again(tmp_path: Path, options, file, as_folder):
    runs = fabricate_runs(tmp_path, RECIPES[:1], seeds=2, n_test=20, n_train=40, flawed=False)
    folder, _ = list(runs)
    jobs = [SimpleNamespace(spec=each.spec, failure=None) for each in runs]
    path = folder.path / file
    path.write_text("")
    if as_folder:
        path.unlink()
        path.mkdir()
    assert jobs[0] not in choose_jobs(jobs, runs, PLAIN)
    todo = choose_jobs(jobs, runs, options)
    assert jobs[0] in todo
    dataset = Dataset(KERMANY, "Films", None, fabricate_films(20, 40))
    make_folders(Suite(options, "quick", [], None, dataset, jobs, runs))
    assert (folder.state, folder.spec) == ("planned", jobs[0].spec)
    assert not folder.prediction_sets()
