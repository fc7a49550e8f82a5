"""Trainings that were stopped: what they continue from, and that the results are the same."""

import dataclasses

import numpy as np
import pytest

from pneumo_tf.training import checkpoint, harness
from tests.training.trainings import CNN, TWO_PHASES, films_of, trained


def test_the_start_of_a_phase_is_a_checkpoint_and_goes_with_a_training_that_is_not_continued(
    small_phantom, tmp_path, monkeypatch
):
    films, _ = films_of(small_phantom, tmp_path)
    work, stored = tmp_path / "work", checkpoint.Checkpoint(tmp_path / "work")

    def stop(phase):
        def on_step(number, epoch, step, steps):
            if number == phase:
                raise KeyboardInterrupt

        return on_step

    # Too short for a checkpoint by time: that of the second phase's start is the only one.
    with pytest.raises(KeyboardInterrupt):
        trained(TWO_PHASES, films, work, on_step=stop(1))
    assert (stored.phase, stored.load().progress.phase) == (1, 1)
    rows = []
    trained(TWO_PHASES, films, work, on_epoch=rows.append)
    assert {row["phase"] for row in rows} == {2}
    monkeypatch.setattr(harness, "device_kind", lambda: "GPU")
    with pytest.raises(KeyboardInterrupt):
        trained(TWO_PHASES, films, work, on_step=stop(0))
    # A first phase that runs out of memory must not go on from the second of another device.
    assert (stored.phase, stored.load()) == (0, None)


@pytest.fixture(scope="module")
def whole_runs(small_phantom, tmp_path_factory, deterministic):
    """Weights and history of two phases that nothing stops, with cached features and without."""
    runs = {}
    for cached in (False, True):
        work = tmp_path_factory.mktemp("whole")
        films, _ = films_of(small_phantom, work)
        features = work / "features" if cached else None
        model, result = trained(TWO_PHASES, films, work / "run", features=features)
        runs[cached] = model.get_weights(), result.history
    return runs


@pytest.mark.parametrize(("stop_after", "cached"), [(1, False), (2, True), (3, False), (4, True)])
def test_a_killed_run_resumes_with_the_same_results(
    whole_runs, small_phantom, tmp_path, monkeypatch, stop_after, cached
):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    films, _ = films_of(small_phantom, tmp_path)
    weights, history = whole_runs[cached]
    features = tmp_path / "features" if cached else None

    class Killed(Exception):
        pass

    rows = []

    def kill(row):
        rows.append(row)
        if len(rows) == stop_after:
            raise Killed

    with pytest.raises(Killed):
        trained(TWO_PHASES, films, tmp_path / "killed", features=features, on_epoch=kill)
    resumed_rows = []
    resumed, again = trained(
        TWO_PHASES, films, tmp_path / "killed", features=features, on_epoch=resumed_rows.append
    )
    assert len(resumed_rows) < len(history) or stop_after == 1
    for row, other in zip(history, again.history, strict=True):
        assert row["train_loss"] == other["train_loss"]
        assert row["validation_auc"] == other["validation_auc"]
    for a, b in zip(weights, resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_device_is_not_continued_and_one_of_the_same_keeps_its_notes(
    small_phantom, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(harness, "uncounted_layers", lambda model: ["odd"])
    films, _ = films_of(small_phantom, tmp_path)
    recipe = dataclasses.replace(CNN, phases=(dataclasses.replace(CNN.phases[0], epochs=2),))
    work = tmp_path / "work"

    def epochs_and_notes(kind):
        rows, notes = [], []
        monkeypatch.setattr(harness, "device_kind", lambda: kind)
        trained(recipe, films, work, micro_batches=2, on_epoch=rows.append, on_note=notes.append)
        return [row["epoch"] for row in rows], notes

    assert epochs_and_notes("CPU")[0] == [1, 2]
    monkeypatch.setattr(harness, "uncounted_layers", lambda model: [])
    epochs, notes = epochs_and_notes("CPU")
    assert epochs == []
    assert "operations are unknown" in notes[0]
    epochs, notes = epochs_and_notes("GPU")
    assert epochs == [1, 2]
    assert notes == [
        "a checkpoint computed on a CPU without XLA was not continued on a GPU without XLA: "
        "training began again"
    ]
    parts = checkpoint.Checkpoint(work).stored_micro_batches
    assert (parts(xla=False, device="GPU"), parts(xla=True, device="GPU")) == ((2,), None)
