"""A run from its plan to its predictions, and failures that become reasons."""

import dataclasses

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from benchmarks.suite import planning, run
from benchmarks.suite.options import parse
from benchmarks.worker import costs as worker_costs
from benchmarks.worker import micro_batching
from benchmarks.worker.attempt import attempt, do_run
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.errors import UserError
from pneumo_tf.runs import Runs
from pneumo_tf.training.harness import NotFinite
from tests.benchmarks.worker.tiny_runs import SILENT, TINY, fails_until, plan


@pytest.mark.usefixtures("no_device")
def test_three_classes_are_trained_on_subtypes_and_explained(phantom, tmp_path):
    arguments = ("--only", "baseline_cnn_3_classes", "--size", "48", "--films", "400", "--epochs", "6")
    folder, assignment = plan(phantom, tmp_path, *arguments)
    assert attempt(do_run, folder, assignment, SILENT) is None
    test = folder.read_predictions("test")
    subtypes = np.array([phantom.films.rows[row].subtype for row in phantom.films.indices(test.ids)])
    aucs = {
        name: roc_auc_score(subtypes == name, softmax(test.logits, axis=1)[:, place])
        for place, name in enumerate(("normal", "bacteria", "virus"))
    }
    assert min(aucs.values()) > 0.6, aucs
    maps = folder.read_arrays("explained")["class_maps"]
    assert maps.shape[1] == 3 and maps.min() >= 0 and (maps.max(axis=(0, 2, 3)) > 0).all()


@pytest.mark.usefixtures("no_device")
def test_the_costs_of_a_run_are_recorded(planned):
    folder, assignment = planned
    assert attempt(do_run, folder, assignment, SILENT) is None
    costs = folder.read_json("costs.json")
    stages = {"start", "data", "decode", "build", "train", "predict", "explain", "save"}
    assert stages < set(costs["seconds"])
    assert costs["seconds"]["total"] == pytest.approx(sum(costs["seconds"][stage] for stage in stages))
    assert 0 < costs["trace_seconds"] < costs["seconds"]["train"]
    assert 0 < costs["validation_seconds"] < costs["seconds"]["train"]
    assert 0 <= costs["wait_share"] < 1
    assert 0 < costs["latency_ms"] <= costs["latency_p95_ms"]
    assert costs["films_per_second"] > 0
    # Three blocks of 32, 64 and 128 filters at 32 px, then the head of baseline_cnn.
    convolutions = 2 * 9 * (32 * 32 * 3 * 32 + 16 * 16 * 32 * 64 + 8 * 8 * 64 * 128)
    head = folder.spec.recipe.head
    dense = 2 * (4 * 4 * 128 * head.units[0] + head.units[0] * head.classes)
    assert costs["flops_per_film"] == convolutions + dense
    assert [costs[name] for name in ("peak_flops_per_second", "energy_joules", "peak_device_mb")] == [
        None
    ] * 3


class CardThatTakesFiveJoules:
    def __init__(self):
        self.read = 0

    def __call__(self, gpu):
        self.read += 5
        return self.read


@pytest.mark.usefixtures("no_device")
@pytest.mark.parametrize("resumed", [False, True])
def test_energy_is_that_of_the_whole_training_or_not_reported(planned, monkeypatch, resumed):
    folder, assignment = planned
    monkeypatch.setattr(worker_costs, "gpus", lambda: [Gpu(0, "NVIDIA A100", 40960, (8, 0))])
    monkeypatch.setattr(worker_costs, "energy_joules", CardThatTakesFiveJoules())
    monkeypatch.setattr(
        worker_costs.tf.config.experimental, "get_memory_info", lambda device: {"peak": 2**30}
    )
    if resumed:
        (folder.work / "something").write_text("from an earlier process")
    on_gpu = dataclasses.replace(assignment, gpu=True, device="NVIDIA A100-SXM4-40GB")
    assert attempt(do_run, folder, on_gpu, SILENT) is None
    costs = folder.read_json("costs.json")
    assert costs["energy_joules"] == (None if resumed else 5)
    assert costs["peak_device_mb"] == 1024
    assert costs["peak_flops_per_second"] == 19.5e12


@pytest.mark.usefixtures("no_device")
def test_a_loss_that_is_no_number_is_a_reason(planned, monkeypatch):
    monkeypatch.setattr(micro_batching, "train", fails_until(2, NotFinite("nan in phase 1, epoch 1"))[0])
    assert (
        "the loss is not finite (nan in phase 1, epoch 1); use a lower learning rate"
        in attempt(do_run, *planned, SILENT).reason
    )


@pytest.mark.usefixtures("no_device")
def test_a_bug_is_a_reason_too_and_its_traceback_is_in_the_log(planned, monkeypatch, capsys):
    monkeypatch.setattr(micro_batching, "train", fails_until(2, KeyError("surprise"))[0])
    assert attempt(do_run, *planned, SILENT).reason.startswith("KeyError")
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("no_device")
def test_augmented_test_films_are_predicted_as_well_as_plain_ones(planned):
    folder, assignment = planned
    spec = dataclasses.replace(folder.spec, protocol="published-alphabetical")
    recipe = dataclasses.replace(spec.recipe, augment=dataclasses.replace(spec.recipe.augment, rotation=20.0))
    other = Runs(folder.path.parent).plan(dataclasses.replace(spec, recipe=recipe))
    other.work.mkdir()
    assert attempt(do_run, other, assignment, SILENT) is None
    plain, changed = other.read_predictions("test"), other.read_predictions("test@augmented")
    assert plain.ids == changed.ids
    assert not np.allclose(plain.logits, changed.logits)


def test_a_gpu_that_tensorflow_cannot_use_stops_everything(monkeypatch, tmp_path, small_phantom):
    monkeypatch.setattr(planning, "gpus", lambda say: [Gpu(0, "NVIDIA A100", 40960, (8, 0))])
    options = parse([*TINY, "--seeds", "1", "--data", str(small_phantom.root), "--out", str(tmp_path)])
    with pytest.raises(UserError, match="requirements.txt"):
        run.run_suite(options)
    assert [folder.state for folder in Runs(tmp_path / "runs")] == ["planned"]
