import dataclasses
import re
import time
import weakref

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from benchmarks.recipes import RECIPES
from benchmarks.suite import planning, run
from benchmarks.suite.options import parse
from benchmarks.worker import costs as worker_costs
from benchmarks.worker import micro_batching, training_run
from benchmarks.worker.attempt import attempt, do_run
from benchmarks.worker.events import Clock
from benchmarks.worker.micro_batching import normalises_parts
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.errors import UserError
from pneumo_tf.runs import Runs
from pneumo_tf.training import checkpoint, phase
from pneumo_tf.training.harness import NotFinite
from tests.benchmarks.planned import assign_to_cpu, plan_jobs

TINY = ("--only", "baseline_cnn", "--size", "32", "--films", "60", "--epochs", "1")
SILENT = lambda event, **values: None  # noqa: E731


def test_a_stage_that_fails_and_is_done_again_counts_twice(monkeypatch):
    now = iter([10.0, 13.0, 20.0, 29.0])
    monkeypatch.setattr("benchmarks.worker.events.time.perf_counter", lambda: next(now))
    clock = Clock(SILENT, since=time.monotonic())
    with pytest.raises(MemoryError), clock.stage("train"):
        raise MemoryError
    with clock.stage("train"):
        pass
    assert clock.seconds["train"] == 3 + 9


@pytest.fixture
def planned(small_phantom, tmp_path):
    return plan(small_phantom, tmp_path)


def plan(small_phantom, tmp_path, *arguments):
    """Plan a run on disk; return its folder and the assignment of its worker."""
    options = parse([*TINY, *arguments, "--out", str(tmp_path)])
    ((job,), _) = plan_jobs(options, small_phantom.films.fingerprint)
    runs = Runs(options.runs)
    runs.write_films(small_phantom)
    assignment = assign_to_cpu(small_phantom, options, notes=("noted when it was planned",))
    folder = runs.plan(job.spec)
    folder.work.mkdir()
    return folder, assignment


@pytest.fixture
def no_device(monkeypatch):
    # Threads and determinism can be set once in a process; the tests beside this one have their own.
    monkeypatch.setattr(training_run, "prepare_device", lambda *_: None)


def fails_until(parts, error):
    real = micro_batching.train
    seen = []

    def train(model, recipe, films, setting, **callbacks):
        seen.append(setting.micro_batches)
        if setting.micro_batches[0] < parts:
            raise error
        return real(model, recipe, films, setting, **callbacks)

    return train, seen


OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


@pytest.mark.usefixtures("no_device")
def test_a_batch_too_large_is_split_and_noted_on_the_board(planned, monkeypatch):
    folder, assignment = planned
    train, seen = fails_until(4, OUT_OF_MEMORY)
    predictor, calls = training_run.Predictor, []
    monkeypatch.setattr(micro_batching, "train", train)
    monkeypatch.setattr(
        training_run, "Predictor", lambda model, **how: calls.append(how["batch"]) or predictor(model, **how)
    )
    assert attempt(do_run, folder, assignment, SILENT) is None
    assert seen == [(1,), (2,), (4,)]
    assert calls == [32]
    assert folder.read_json("costs.json")["micro_batches"] == 4
    notes = folder.read_json("environment.json")["notes"]
    assert notes[0] == "noted when it was planned"
    assert "batch of 32 in 4 parts, evaluation in batches of 32" in notes[1]


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
def test_nothing_of_an_attempt_that_ran_out_of_memory_survives(planned, monkeypatch):
    references, alive = [], []
    real_train, real_step = micro_batching.train, phase.TrainingStep

    def make_step(network, variables, optimizer, loss, **how):
        alive.append([reference() is not None for reference in references])
        step = real_step(network, variables, optimizer, loss, **how)
        references[:] = map(weakref.ref, (network, optimizer, step))
        return step

    def train(model, recipe, films, setting, **callbacks):
        def fail_at_the_second_step(phase, epoch, step, steps):
            if step == 1 and setting.micro_batches[0] < 4:
                # A new error each time: one that is kept would hold the frames of the attempt.
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

        return real_train(model, recipe, films, setting, **callbacks | {"on_step": fail_at_the_second_step})

    monkeypatch.setattr(phase, "TrainingStep", make_step)
    monkeypatch.setattr(micro_batching, "train", train)
    assert attempt(do_run, *planned, SILENT) is None
    assert alive == [[], [False] * 3, [False] * 3]


@pytest.mark.usefixtures("no_device")
def test_a_killed_run_is_continued_in_its_parts(small_phantom, tmp_path, monkeypatch):
    folder, assignment = plan(small_phantom, tmp_path, "--epochs", "3")
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    real = micro_batching.train
    cut, seen = fails_until(4, OUT_OF_MEMORY)

    def killed_after_two_epochs(*arguments, **callbacks):
        def on_epoch(row):
            if row["epoch"] == 3:
                raise KeyboardInterrupt

        return cut(*arguments, **callbacks | {"on_epoch": on_epoch})

    monkeypatch.setattr(micro_batching, "train", killed_after_two_epochs)
    with pytest.raises(KeyboardInterrupt):
        attempt(do_run, folder, assignment, SILENT)
    assert seen == [(1,), (2,), (4,)]

    epochs, parts = [], []

    def continued(model, recipe, films, setting, **callbacks):
        parts.append(setting.micro_batches)
        return real(model, recipe, films, setting, **callbacks | {"on_epoch": epochs.append})

    monkeypatch.setattr(micro_batching, "train", continued)
    assert attempt(do_run, folder, assignment, SILENT) is None
    assert parts == [(4,)]
    assert [row["epoch"] for row in epochs] == [3]
    assert folder.read_json("costs.json")["micro_batches"] == 4
    notes = folder.read_json("environment.json")["notes"]
    assert notes[0] == "noted when it was planned"
    assert "batch of 32 in 4 parts, evaluation in batches of 32" in notes[1]


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


OUT_OF_MEMORY_SPELLINGS = {
    "allocator": OUT_OF_MEMORY,
    "copy": tf.errors.InternalError(
        None, None, "Failed copying input tensor from CPU:0 to GPU:0: Dst tensor is not initialized."
    ),
    "autotune": tf.errors.NotFoundError(
        None, None, "No algorithm worked!  Error messages:\n  Profiling failure: CUDNN_STATUS_ALLOC_FAILED"
    ),
    "cudnn": tf.errors.UnknownError(None, None, "CUDNN_STATUS_ALLOC_FAILED"),
    "scratch": tf.errors.InternalError(
        None, None, "CUDNN failed to allocate the scratch space for the runner or to find a working runner."
    ),
    "cublas": tf.errors.InternalError(None, None, "failed to create handle: CUBLAS_STATUS_ALLOC_FAILED"),
    "blas": tf.errors.InternalError(
        None, None, "Attempting to perform BLAS operation using StreamExecutor without BLAS support"
    ),
    "xla": tf.errors.InternalError(None, None, "Out of memory allocating 4299161600 bytes."),
}


@pytest.mark.usefixtures("no_device")
@pytest.mark.parametrize("error", OUT_OF_MEMORY_SPELLINGS.values(), ids=OUT_OF_MEMORY_SPELLINGS)
def test_every_spelling_of_out_of_memory_cuts_the_batches(planned, monkeypatch, error):
    train, seen = fails_until(2, error)
    monkeypatch.setattr(micro_batching, "train", train)
    assert attempt(do_run, *planned, SILENT) is None
    assert seen == [(1,), (2,)]


@pytest.mark.usefixtures("no_device")
def test_another_internal_error_does_not_cut_the_batches(planned, monkeypatch):
    train, seen = fails_until(2, tf.errors.InternalError(None, None, "cuDNN launch failure"))
    monkeypatch.setattr(micro_batching, "train", train)
    assert "cuDNN launch failure" in attempt(do_run, *planned, SILENT).reason
    assert seen == [(1,)]


@pytest.mark.usefixtures("no_device")
@pytest.mark.parametrize(("gpu", "kind"), [(True, "gpu-memory"), (False, "host-memory")])
def test_smallest_micro_batches_keep_kind_and_message_of_the_last_error(planned, monkeypatch, gpu, kind):
    folder, assignment = planned
    monkeypatch.setattr(micro_batching.tf.config.experimental, "reset_memory_stats", lambda device: None)
    monkeypatch.setattr(micro_batching, "train", fails_until(10**6, OUT_OF_MEMORY_SPELLINGS["autotune"])[0])
    failure = attempt(do_run, folder, dataclasses.replace(assignment, gpu=gpu), SILENT)
    assert failure.kind == kind
    assert "NotFoundError: No algorithm worked!" in failure.reason


def two_phases(folder):
    """The same run with a second phase, planned beside it."""
    recipe = folder.spec.recipe
    phases = (recipe.phases[0], dataclasses.replace(recipe.phases[0], learning_rate=1e-4))
    spec = dataclasses.replace(folder.spec, recipe=dataclasses.replace(recipe, phases=phases))
    other = Runs(folder.path.parent).plan(spec)
    other.work.mkdir()
    return other


def fails_in_the_second_phase(monkeypatch):
    """Let the first step of phase 2 run out of memory with whole batches; return the epochs that end."""
    real, epochs = micro_batching.train, []

    def train(model, recipe, films, setting, **callbacks):
        def on_step(phase, epoch, step, steps):
            if phase == 1 and setting.micro_batches == (1,):
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

        def on_epoch(row):
            epochs.append((row["phase"], setting.micro_batches))

        return real(model, recipe, films, setting, **callbacks | {"on_step": on_step, "on_epoch": on_epoch})

    monkeypatch.setattr(micro_batching, "train", train)
    return epochs


@pytest.mark.usefixtures("no_device")
def test_a_phase_that_runs_out_of_memory_is_repeated_and_not_the_run(planned, monkeypatch):
    folder, assignment = two_phases(planned[0]), planned[1]
    epochs = fails_in_the_second_phase(monkeypatch)
    assert attempt(do_run, folder, assignment, SILENT) is None
    assert epochs == [(1, (1,)), (2, (1, 2))]
    assert [row["epoch"] for row in folder.read_history()] == [1, 2]
    notes = folder.read_json("environment.json")["notes"]
    assert notes[1] == (
        "from phase 2 on batch of 32 in 2 parts, evaluation in batches of 64: the device ran out of memory"
    )


@pytest.mark.usefixtures("no_device")
def test_parts_that_worked_are_stored_for_other_runs_of_the_recipe(planned, monkeypatch):
    folder, assignment = two_phases(planned[0]), planned[1]
    epochs = fails_in_the_second_phase(monkeypatch)
    assert attempt(do_run, folder, assignment, SILENT) is None
    other = Runs(folder.path.parent).plan(dataclasses.replace(folder.spec, seed=1))
    other.work.mkdir()
    epochs.clear()
    assert attempt(do_run, other, assignment, SILENT) is None
    assert epochs == [(1, (1, 2)), (2, (1, 2))]
    assert "earlier runs on this device needed it" in other.read_json("environment.json")["notes"][1]
    elsewhere = dataclasses.replace(assignment, device="CPU, 2 threads")
    third = Runs(folder.path.parent).plan(dataclasses.replace(folder.spec, seed=2))
    third.work.mkdir()
    epochs.clear()
    assert attempt(do_run, third, elsewhere, SILENT) is None
    assert epochs == [(1, (1,)), (2, (1, 2))]


@pytest.mark.usefixtures("no_device")
def test_a_cut_batch_on_a_gpu_has_a_peak_of_its_own_and_notes_the_free_memory(planned, monkeypatch):
    folder, assignment = planned
    calls, free = [], iter([1234, 7])
    train, _ = fails_until(2, OUT_OF_MEMORY)
    monkeypatch.setattr(micro_batching, "train", lambda *a, **k: calls.append("train") or train(*a, **k))
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "reset_memory_stats", lambda device: calls.append(f"reset {device}"))
    monkeypatch.setattr(experimental, "get_memory_info", lambda device: {"peak": 2**30})
    monkeypatch.setattr(worker_costs, "gpus", lambda: [Gpu(0, "NVIDIA A100", 40960, (8, 0))])
    monkeypatch.setattr(micro_batching, "free_memory_mb", lambda gpu: next(free))
    assert attempt(do_run, folder, dataclasses.replace(assignment, gpu=True), SILENT) is None
    assert calls == ["train", "reset GPU:0", "train"]
    note = folder.read_json("environment.json")["notes"][1]
    assert note.endswith("the device ran out of memory (1,234 MB were free before training)")


@pytest.mark.usefixtures("no_device")
def test_parts_are_chosen_before_a_batch_that_cannot_fit_is_tried(planned, monkeypatch):
    folder, assignment = planned
    seen, real = [], micro_batching.train

    def train(model, recipe, films, setting, **callbacks):
        seen.append(setting.micro_batches)
        return real(model, recipe, films, setting, **callbacks)

    monkeypatch.setattr(micro_batching, "train", train)
    monkeypatch.setattr(micro_batching, "_free_mb", lambda run: 14)
    assert attempt(do_run, folder, assignment, SILENT) is None
    # Whole batches keep activations of 32 films of 32 px; Adam has two values a variable.
    assert seen == [(1,), (2,)]
    assert folder.read_json("costs.json")["micro_batches"] == 2
    note = folder.read_json("environment.json")["notes"][1]
    assert re.search(r"in 2 parts.*: whole batches need \d+ MB or more, 14 MB were free", note)


@pytest.mark.usefixtures("no_device")
def test_variables_that_alone_exceed_the_memory_are_a_reason(planned, monkeypatch):
    monkeypatch.setattr(micro_batching, "_free_mb", lambda run: 1)
    folder, assignment = planned
    assert "whole batches need" in attempt(do_run, folder, assignment, SILENT).reason


@pytest.mark.parametrize(
    ("name", "parts", "noted"),
    [
        ("resnet50v2", (1, 2), True),
        ("resnet50v2", (1, 1), False),
        # Without batch norm.
        ("vgg16", (2,), False),
        # Its batch norm has the statistics of the weights file.
        ("mobilenetv2_finetuned", (2,), False),
    ],
)
def test_the_board_notes_parts_that_change_batch_norm(name, parts, noted):
    assert normalises_parts(RECIPES[name], parts) == noted


@pytest.mark.usefixtures("no_device")
def test_memory_that_never_suffices_is_a_reason(planned, monkeypatch):
    monkeypatch.setattr(micro_batching, "train", fails_until(10**6, OUT_OF_MEMORY)[0])
    assert "smaller --size" in attempt(do_run, *planned, SILENT).reason


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


def test_the_clock_adds_up_what_is_done_twice():
    clock = Clock(SILENT, since=time.monotonic())
    with clock.stage("build"):
        pass
    first = clock.seconds["build"]
    with clock.stage("build"):
        sum(range(10000))
    assert clock.seconds["build"] > first
