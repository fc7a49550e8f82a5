"""Failures after training: the run is done, or continues from its saved model without training again."""

import dataclasses

import pytest

from benchmarks.suite.additions import hint_missing_explanations, list_addition_jobs, list_missing_additions
from benchmarks.suite.options import parse
from benchmarks.worker import finished_run, late_stages, micro_batching, training_run
from benchmarks.worker.attempt import execute_task
from pneumo_tf.runs import Runs
from tests.benchmarks.planned import assign_to_cpu, plan_jobs

TINY = ("--only", "custom_cnn", "--size", "32", "--films", "60", "--epochs", "1")


class Sent(list):
    def __call__(self, event, **values):
        self.append((event, values))

    @property
    def notes(self):
        return [values["text"] for event, values in self if event == "note"]


@pytest.fixture
def planned(small_phantom, tmp_path, monkeypatch):
    # Threads and determinism can be set once in a process; the tests beside this one have their own.
    for module in (training_run, finished_run):
        monkeypatch.setattr(module, "prepare_device", lambda *_: None)
    options = parse([*TINY, "--out", str(tmp_path)])
    ((job,), _) = plan_jobs(options, small_phantom.films.fingerprint)
    runs = Runs(options.runs)
    runs.write_films(small_phantom)
    assignment = assign_to_cpu(small_phantom, options)
    return job, runs, assignment


def plan(job, runs):
    return runs.plan(job.spec)


def raises(error):
    def fail(*_, **__):
        raise error

    return fail


def options_of(*arguments):
    return parse([*TINY, *arguments])


def test_a_failed_explanation_is_a_note_on_a_done_run_and_is_made_again_from_the_model(planned, monkeypatch):
    job, runs, assignment = planned
    folder, real = plan(job, runs), late_stages.record_explanations
    monkeypatch.setattr(late_stages, "record_explanations", raises(MemoryError("no room for maps")))
    sent = Sent()
    assert execute_task(folder, assignment, sent) == ""
    assert folder.state == "done"
    note = (
        "no explanations: out of memory (no room for maps); use fewer --workers or a smaller --size; "
        "--explain-again makes them from the saved model"
    )
    assert sent.notes == [note]
    assert folder.read_json("environment.json")["notes"] == [note]
    before = folder.read_predictions("test").logits.tobytes()
    assert list_addition_jobs([job], runs, options_of(), {}) == []
    assert "has no explanations; --explain-again makes them" in hint_missing_explanations(
        [job], runs, options_of()
    )
    (again,) = list_addition_jobs([job], runs, options_of("--explain-again"), {})
    assert again.task == "explain"

    monkeypatch.setattr(late_stages, "record_explanations", real)
    monkeypatch.setattr(micro_batching, "train", raises(AssertionError("trained again")))
    costs = folder.read_json("costs.json")
    assert execute_task(folder, dataclasses.replace(assignment, task="explain"), Sent()) == ""
    assert folder.read_json("explanations.json")["methods"]
    assert folder.read_json("environment.json")["notes"] == []
    assert folder.read_json("costs.json") == costs
    assert folder.read_predictions("test").logits.tobytes() == before
    assert list_addition_jobs([job], runs, options_of("--explain-again"), {}) == []
    assert [
        job.task for job in list_addition_jobs([job], runs, options_of("--explain-again", "all"), {})
    ] == ["explain"]
    assert list_missing_additions([job], runs, options_of("--explain-again"), {}) == []


def test_a_worker_killed_while_it_explains_leaves_a_done_run_with_a_note(planned, monkeypatch):
    job, runs, assignment = planned
    folder = plan(job, runs)
    # Like a signal, it is caught by no handler of errors.
    monkeypatch.setattr(late_stages, "record_explanations", raises(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        execute_task(folder, assignment, Sent())
    assert folder.state == "done"
    (note,) = folder.read_json("environment.json")["notes"]
    assert note.startswith("no explanations: the worker ended before they were made; --explain-again")
    assert folder.read_predictions("test").ids


def test_costs_that_cannot_be_measured_are_a_note_too(planned, monkeypatch):
    job, runs, assignment = planned
    folder = plan(job, runs)
    monkeypatch.setattr(late_stages, "measure_inference", raises(ValueError("no such layer")))
    assert execute_task(folder, assignment, Sent()) == ""
    (note,) = folder.read_json("environment.json")["notes"]
    assert note.startswith("no costs of inference: ValueError: no such layer")
    assert folder.read_json("explanations.json")["methods"]


def test_a_run_that_failed_after_its_training_is_not_trained_again(planned, monkeypatch):
    job, runs, assignment = planned
    folder, real = plan(job, runs), training_run.Predictor
    monkeypatch.setattr(training_run, "Predictor", raises(RuntimeError("driver")))
    assert execute_task(folder, assignment, Sent()) == "RuntimeError: driver"
    assert (folder.state, folder.model.exists()) == ("failed", True)
    history = folder.read_history()

    folder.prepare_retry()
    monkeypatch.setattr(training_run, "Predictor", real)
    monkeypatch.setattr(micro_batching, "train", raises(AssertionError("trained again")))
    assert execute_task(folder, assignment, Sent()) == ""
    costs = folder.read_json("costs.json")
    assert folder.state == "done"
    assert folder.read_history() == history
    assert costs["epochs"] == 1 and costs["seconds"]["train"] > 0


@pytest.mark.parametrize(
    ("kind", "kept"), [("exception", True), ("killed", True), ("not-finite", False), ("damaged", False)]
)
def test_a_retry_keeps_sound_work_and_no_other(planned, kind, kept):
    job, runs, _ = planned
    folder = plan(job, runs)
    folder.work.mkdir()
    (folder.work / "checkpoint.npz").write_bytes(b"checkpoint")
    folder.set_status("failed", "why", kind=kind)
    folder.prepare_retry()
    assert folder.state == "planned"
    assert (folder.work / "checkpoint.npz").exists() == kept


def test_a_damaged_checkpoint_is_a_failure_that_a_retry_repairs(planned):
    job, runs, assignment = planned
    folder = plan(job, runs)
    folder.work.mkdir()
    (folder.work / "checkpoint.npz").write_bytes(b"half a checkpoint")
    assert "work/checkpoint.npz: cannot be read" in execute_task(folder, assignment, Sent())
    assert folder.status["kind"] == "damaged"
    folder.prepare_retry()
    assert execute_task(folder, assignment, Sent()) == ""


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_damaged_model_is_named_when_it_is_to_be_explained(planned, content):
    job, runs, assignment = planned
    folder = plan(job, runs)
    assert execute_task(folder, assignment, Sent()) == ""
    folder.model.write_bytes(content)
    sent = Sent()
    reason = execute_task(folder, dataclasses.replace(assignment, task="explain"), sent)
    assert reason.endswith("model.keras: cannot be read as a Keras model; run it again with --fresh")
    assert sent.notes == [f"not explained: {reason}"]
    assert folder.state == "done"
