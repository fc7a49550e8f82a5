"""A batch too large for the memory is split, and what follows from it."""

import dataclasses
import re
import weakref

import pytest
import tensorflow as tf

from benchmarks.recipes import RECIPES
from benchmarks.worker import costs as worker_costs
from benchmarks.worker import micro_batching, training_run
from benchmarks.worker.attempt import attempt, do_run
from benchmarks.worker.micro_batching import normalises_micro_batches
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.runs import Runs
from pneumo_tf.training import checkpoint, phase
from tests.benchmarks.worker.tiny_runs import OUT_OF_MEMORY, SILENT, fails_until, plan


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
    assert "batch of 32 in 4 micro-batches, evaluation in batches of 32" in notes[1]


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
def test_a_killed_run_is_continued_in_its_micro_batches(small_phantom, tmp_path, monkeypatch):
    folder, assignment = plan(small_phantom, tmp_path, "--epochs", "3")
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    real = micro_batching.train
    split, seen = fails_until(4, OUT_OF_MEMORY)

    def killed_after_two_epochs(*arguments, **callbacks):
        def on_epoch(row):
            if row["epoch"] == 3:
                raise KeyboardInterrupt

        return split(*arguments, **callbacks | {"on_epoch": on_epoch})

    monkeypatch.setattr(micro_batching, "train", killed_after_two_epochs)
    with pytest.raises(KeyboardInterrupt):
        attempt(do_run, folder, assignment, SILENT)
    assert seen == [(1,), (2,), (4,)]

    epochs, numbers = [], []

    def continued(model, recipe, films, setting, **callbacks):
        numbers.append(setting.micro_batches)
        return real(model, recipe, films, setting, **callbacks | {"on_epoch": epochs.append})

    monkeypatch.setattr(micro_batching, "train", continued)
    assert attempt(do_run, folder, assignment, SILENT) is None
    assert numbers == [(4,)]
    assert [row["epoch"] for row in epochs] == [3]
    assert folder.read_json("costs.json")["micro_batches"] == 4
    notes = folder.read_json("environment.json")["notes"]
    assert notes[0] == "noted when it was planned"
    assert "batch of 32 in 4 micro-batches, evaluation in batches of 32" in notes[1]
    assert notes[1].endswith(": an earlier attempt needed it")


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
def test_every_spelling_of_out_of_memory_splits_the_batches(planned, monkeypatch, error):
    train, seen = fails_until(2, error)
    monkeypatch.setattr(micro_batching, "train", train)
    assert attempt(do_run, *planned, SILENT) is None
    assert seen == [(1,), (2,)]


@pytest.mark.usefixtures("no_device")
def test_another_internal_error_does_not_split_the_batches(planned, monkeypatch):
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
        "from phase 2 on batch of 32 in 2 micro-batches, evaluation in batches of 64: "
        "the device ran out of memory"
    )


@pytest.mark.usefixtures("no_device")
def test_notes_of_whole_batches_go_when_a_later_phase_is_split(planned, monkeypatch):
    plain, assignment = two_phases(planned[0]), planned[1]
    folder = Runs(plain.path.parent).plan(dataclasses.replace(plain.spec, xla=True))
    folder.work.mkdir()
    fails_in_the_second_phase(monkeypatch)
    assert attempt(do_run, folder, assignment, SILENT) is None
    planned_note, split, compiler = folder.read_json("environment.json")["notes"]
    assert planned_note == "noted when it was planned"
    assert split.startswith("from phase 2 on batch of 32 in 2 micro-batches")
    assert compiler == "micro-batches are trained without XLA"


@pytest.mark.usefixtures("no_device")
def test_micro_batches_that_worked_are_stored_for_other_runs_of_the_recipe(planned, monkeypatch):
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
def test_a_split_batch_on_a_gpu_has_a_peak_of_its_own_and_notes_the_free_memory(planned, monkeypatch):
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
def test_micro_batches_are_chosen_before_a_batch_that_cannot_fit_is_tried(planned, monkeypatch):
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
    assert re.search(r"in 2 micro-batches.*: whole batches need \d+ MB or more, 14 MB were free", note)


@pytest.mark.usefixtures("no_device")
def test_variables_that_alone_exceed_the_memory_are_a_reason(planned, monkeypatch):
    monkeypatch.setattr(micro_batching, "_free_mb", lambda run: 1)
    folder, assignment = planned
    reason = attempt(do_run, folder, assignment, SILENT).reason
    assert "whole batches need" in reason and "DoesNotFit" not in reason


@pytest.mark.parametrize(
    ("name", "micro_batches", "noted"),
    [
        ("resnet50v2", (1, 2), True),
        ("resnet50v2", (1, 1), False),
        # Without batch norm.
        ("vgg16", (2,), False),
        # Its batch norm has the statistics of the weights file.
        ("mobilenetv2_finetuned", (2,), False),
    ],
)
def test_the_board_notes_micro_batches_that_change_batch_norm(name, micro_batches, noted):
    assert normalises_micro_batches(RECIPES[name], micro_batches) == noted


@pytest.mark.usefixtures("no_device")
def test_memory_that_never_suffices_is_a_reason(planned, monkeypatch):
    monkeypatch.setattr(micro_batching, "train", fails_until(10**6, OUT_OF_MEMORY)[0])
    assert "smaller --size" in attempt(do_run, *planned, SILENT).reason
