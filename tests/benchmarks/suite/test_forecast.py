"""Forecast of a suite, compared with runs whose time is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.recipes import RECIPES
from benchmarks.suite.forecast import (
    forecast,
    format_hours,
    measured_seconds,
    missing_weights,
    older_runs,
    run_seconds,
    training_operations,
)
from benchmarks.suite.options import parse
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Augment, Phase
from pneumo_tf.run_spec import HARNESS_VERSION
from pneumo_tf.runs import Runs
from tests.benchmarks.planned import plan_jobs

REFERENCE = Path(__file__).parents[3] / "outputs" / "reference"
A100 = Gpu(0, "NVIDIA A100-SXM4-40GB", 40960, (8, 0))


def planned(*arguments, gpu=None):
    options = parse([*arguments, "--weights", "random"])
    return plan_jobs(options, synthetic=False, gpu=gpu)[0]


def test_stored_cpu_runs_took_a_third_to_three_times_the_estimate(monkeypatch):
    monkeypatch.setattr("benchmarks.suite.forecast.cores", lambda: 2)
    ratios = {}
    for folder in Runs(REFERENCE):
        spec, costs = folder.spec, folder.read_json("costs.json")
        if spec.recipe.phases:
            estimate = run_seconds(spec, round(costs["train_films"] / 0.85), [], 1, {})
            ratios[folder.path.name] = costs["seconds"]["total"] / estimate
    assert len(ratios) > 10
    # A frozen backbone whose features another run has computed is far faster than any estimate.
    assert all(1 / 3 < ratio < 3 for name, ratio in ratios.items() if "frozen" not in name), ratios


def test_operations_of_a_training_by_hand():
    recipe = replace(
        RECIPES["baseline_cnn"],
        size=90,
        augment=Augment(flip=0.5),
        phases=(Phase(10, 1e-3, train="head"), Phase(5, 1e-4)),
    )
    forward = architecture(recipe.architecture).gflops * 1e9 / 4
    assert training_operations(recipe, 100) == pytest.approx((10 + 3 * 5) * 100 * forward)
    assert training_operations(replace(recipe, views=2), 100) == pytest.approx((2 + 15) * 100 * forward)
    still = replace(recipe, augment=Augment())
    assert training_operations(still, 100) == pytest.approx((1 + 15) * 100 * forward)


def test_finished_runs_replace_the_estimate(tmp_path):
    (job,) = planned("--only", "baseline_cnn", "--seeds", "1")
    folder = Runs(tmp_path).plan(job.spec)
    folder.write_json("costs.json", {"seconds": {"total": 1800.0}})
    folder.write_json("environment.json", {"device": "CPU, 2 threads"})
    assert measured_seconds(Runs(tmp_path)) == {("baseline_cnn", "quick", False): 1800.0}
    assert forecast([job, job], 100, [], 2, Runs(tmp_path)).hours == 0.5
    (folder.path / "costs.json").write_text("{")
    assert measured_seconds(Runs(tmp_path)) == {}


def test_missing_weights_and_disk(tmp_path):
    jobs = planned("--only", "densenet121,custom_cnn", "--profile", "full", "--seeds", "2", gpu=A100)
    ahead = forecast(jobs, 5000, [A100], 1, Runs(tmp_path))
    assert missing_weights(jobs) == {"densenet121": pytest.approx(28.15, abs=0.01)}
    sides = {job.spec.recipe.size for job in jobs}
    models = sum(architecture(job.spec.recipe.architecture).parameters * 4 for job in jobs)
    assert ahead.disk_gb * 1e9 >= models + sum(side**2 * 5000 for side in sides)
    assert 0 < ahead.hours < 20


def test_hours_of_unknown_films_are_unknown(tmp_path):
    jobs = planned("--only", "custom_cnn", "--profile", "full")
    assert forecast(jobs, None, [], 1, Runs(tmp_path)).hours is None


def test_runs_of_an_older_harness_are_found_by_what_they_are(tmp_path):
    jobs = planned("--only", "baseline_cnn", "--profile", "full")
    runs = Runs(tmp_path)
    runs.plan(replace(jobs[0].spec, harness=HARNESS_VERSION - 1)).set_status("done")
    runs.plan(replace(jobs[1].spec, harness=HARNESS_VERSION - 1))
    runs.plan(jobs[2].spec).set_status("done")
    assert older_runs(jobs, runs) == [jobs[0]]
    other = [replace(job, spec=replace(job.spec, precision="mixed_float16")) for job in jobs]
    assert older_runs(other, runs) == []


@pytest.mark.parametrize(
    ("hours", "text"), [(0.001, "about 1 minute"), (0.5, "about 30 minutes"), (2.46, "about 2.5 hours")]
)
def test_hours_are_read_easily(hours, text):
    assert format_hours(hours) == text
