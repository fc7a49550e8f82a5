"""The work of the steps, as far as a CPU can do it."""

import contextlib
import http.server
import importlib
import socket
import threading
import time
from dataclasses import replace

import numpy as np
import pynvml
import pytest
import tensorflow as tf

from benchmarks.doctor import trial
from benchmarks.doctor.registry import STEPS
from benchmarks.doctor.step_input import StepInput
from benchmarks.doctor.steps import (
    agreement,
    depthwise,
    disk,
    explaining,
    feeding,
    full_card,
    machine,
    probe,
    tiny_run,
    training_step,
    weights,
)
from benchmarks.recipes import recipe
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.models.architecture import Weights
from tests.costs.fake_nvml import MIG_NAME, FakeNvml


@pytest.mark.parametrize("name", STEPS)
def test_every_step_can_be_imported(name):
    module, function = STEPS[name].function.split(":")
    assert callable(getattr(importlib.import_module(module), function))


def problems(rows):
    return [row["problem"] for row in rows if row.get("problem")]


# Machine, disk, weights


def raising(error):
    def call(*_):
        raise error

    return call


def test_no_driver_is_a_fact_and_a_driver_that_does_not_answer_a_problem(monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlInit", raising(pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)))
    assert {"what": "NVIDIA driver", "value": "not installed"} in list(machine.read_driver())
    mismatch = pynvml.NVMLError(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)
    monkeypatch.setattr(pynvml, "nvmlInit", raising(mismatch))
    (row,) = machine.read_driver()
    assert "does not answer" in row["problem"]


@pytest.fixture
def driver(monkeypatch):
    """Install a driver with one whole card and one that is divided; return the rows of the step by name."""

    def read(visible=None, **answers):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        FakeNvml(("GPU-aaaa", "GPU-bbbb"), slices={1: ("MIG-aaaa", "MIG-bbbb")}, **answers).install(
            monkeypatch
        )
        rows = list(machine.measure(StepInput(gpu=True, ends=time.monotonic() + 60)))
        return {row["what"]: row for row in rows}

    return read


def test_a_card_in_use_is_a_problem_and_an_unknown_figure_is_not(driver):
    refused = {"nvmlDeviceGetMemoryInfo": pynvml.NVML_ERROR_NO_PERMISSION}
    rows = driver(visible="0", processes={0: 2}, errors=refused)
    assert rows["CUDA of the driver"]["value"] == "12.08"
    (problem,) = problems(rows.values())
    assert problem.startswith("2 other processes compute on GPU 0; figures of memory and time are unreliable")
    assert "unknown (" in rows["use of GPU 0"]["value"]
    assert "memory unknown" in rows["GPU 0"]["value"]


def test_only_cards_that_may_be_used_are_described(driver):
    rows = driver(visible="0", processes={0: 0, 1: 3})
    assert not problems(rows.values())
    assert not any("GPU 1" in name for name in rows)


def test_energy_is_measured_on_a_whole_card_that_no_other_process_uses(driver):
    assert driver(processes={0: 0})["energy of GPU 0"]["value"] == "measured: the counter reads 1,500 J"
    assert "not measured" in driver(processes={0: 2})["energy of GPU 0"]["value"]
    unsupported = {"nvmlDeviceGetTotalEnergyConsumption": pynvml.NVML_ERROR_NOT_SUPPORTED}
    assert "not measured" in driver(errors=unsupported)["energy of GPU 0"]["value"]


def test_a_slice_is_described_by_itself_and_never_by_its_card(driver):
    rows = driver(visible="MIG-bbbb", processes={1: 5, "MIG-aaaa": 5, "MIG-bbbb": 0})
    assert rows["GPU 1"]["value"].startswith(f"{MIG_NAME}, 5120 MB,")
    assert "peak not in the table" in rows["GPU 1"]["value"]
    assert rows["use of GPU 1"]["value"].startswith("1024 MB taken, 0 processes compute on it")
    assert rows["energy of GPU 1"]["value"] == "not measured: the counter is of the whole card"
    assert not problems(rows.values())


def test_little_room_is_a_problem(monkeypatch, tmp_path):
    row = disk.check_folder("here", tmp_path / "not" / "yet" / "there")
    assert row["free_gb"] > 0
    assert row["written_mb_per_second"] > 0
    monkeypatch.setattr(disk, "LEAST_FREE_GB", 1e9)
    assert "free at least" in disk.check_folder("here", tmp_path)["problem"]


@pytest.fixture
def host():
    """A host that answers 200 to /here and 404 to everything else."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200 if self.path.startswith("/here") else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_weights_are_here_or_their_host_answers_or_not(host, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.h5").write_bytes(b"")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
    other = host.replace("127.0.0.1", "localhost")
    files = {"a": f"{closed}/a.h5", "b": f"{host}/here/b.h5", "c": f"{closed}/c.h5", "d": f"{other}/d.h5"}
    rows = list(weights.check_files({k: Weights(f"{k}.h5", url, None, "MIT") for k, url in files.items()}))
    assert [row["here"] for row in rows[:4]] == [True, False, False, False]
    assert [row["reachable"] for row in rows[4:]] == [True, False, False]
    refused, lacking = problems(rows)
    assert refused.startswith("no initial weights for c: ")
    assert lacking.startswith("no initial weights for d: ")
    assert "(status 404)" in lacking


def test_weights_that_changed_since_their_download_are_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.h5").write_bytes(b"changed")
    (tmp_path / "models" / "a.h5.sha256").write_text(f"{'0' * 64}  a.h5\n")
    (row,) = weights.check_files({"a": Weights("a.h5", "http://127.0.0.1:9/a.h5", None, "MIT")})
    assert row["here"] and "is not the file that was downloaded first" in row["problem"]


# TensorFlow


def test_probe_compares_two_types():
    assert "problem" not in probe.compare("matrix product", probe._product)
    broken = probe.compare("sum", lambda kind: tf.constant(2.0 if kind == tf.bfloat16 else 1.0))
    assert "bfloat16 gives 2, float32 1" in broken["problem"]
    nothing = probe.compare("sum", lambda kind: tf.constant(np.nan if kind == tf.bfloat16 else 1.0))
    assert "problem" in nothing


def test_a_gpu_that_tensorflow_does_not_see_fails_the_probe():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow sees a GPU")
    with pytest.raises(ValueError, match="TensorFlow does not see it"):
        list(probe.measure(StepInput(gpu=True, ends=time.monotonic() + 60)))


def test_a_training_step_has_time_and_films_per_second():
    row = training_step.measure_subject(training_step.Subject("custom_cnn", 32, 4), gpu=False, xla=False)
    assert row["films_per_second"] == pytest.approx(4 / (row["step_ms"] / 1000))
    assert (row["size"], row["batch"], row["precision"], row["peak_device_mb"]) == (32, 4, "float32", None)
    assert np.isfinite(row["first_loss"])


@pytest.mark.parametrize(("visible", "whole"), [("0", True), ("MIG-aaaa", False)])
def test_a_slice_has_neither_the_peak_nor_the_energy_of_its_card(monkeypatch, visible, whole):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    FakeNvml(("GPU-aaaa", "GPU-bbbb"), slices={1: ("MIG-aaaa",)}).install(monkeypatch)
    counter = iter(range(0, 10**9, 10**6))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: next(counter))
    monkeypatch.setattr(training_step, "resolve_precision", lambda *_: "mixed_float16")
    monkeypatch.setattr(training_step, "reset_peak", lambda **_: None)
    monkeypatch.setattr(training_step, "peak_mb", lambda **_: 7.0)
    row = training_step.measure_subject(training_step.Subject("custom_cnn", 32, 4), gpu=True, xla=False)
    for figure in ("share_of_peak", "watts", "joules_per_film"):
        assert (row[figure] is not None) == whole
    if whole:
        assert row["joules_per_film"] == pytest.approx(row["watts"] / row["films_per_second"])


def test_power_is_energy_by_time(monkeypatch):
    readings, clock = iter([100.0, 160.0]), iter([5.0, 8.0])
    monkeypatch.setattr(trial, "energy_joules", lambda gpu: next(readings))
    monkeypatch.setattr(trial.time, "perf_counter", lambda: next(clock))
    card = Gpu(0, "NVIDIA A100-SXM4-40GB", 40960, (8, 0))
    assert trial.measure_power(card, lambda: "done") == ("done", 20.0)
    monkeypatch.setattr(trial, "energy_joules", lambda gpu: None)
    monkeypatch.setattr(trial.time, "perf_counter", lambda: 0.0)
    assert trial.measure_power(card, lambda: "done") == ("done", None)
    assert trial.measure_power(None, lambda: "done") == ("done", None)


def test_a_backbone_that_fails_is_a_row_and_the_others_continue(monkeypatch):
    def fake(subject, **_):
        if subject.name == "custom_cnn":
            raise tf.errors.UnimplementedError(None, None, "XLA cannot do this")
        return {"step_ms": 1.0}

    monkeypatch.setattr(training_step, "measure_subject", fake)
    rows = list(training_step.measure_xla(StepInput(gpu=False, ends=time.monotonic() + 60)))
    assert [row["variant"] for row in rows] == ["xla"] * len(training_step.ON_CPU)
    failed, *others = rows
    assert (failed["error"], failed["message"]) == ("UnimplementedError", "XLA cannot do this")
    assert all(row["step_ms"] == 1.0 for row in others)
    late = list(training_step.measure_xla(StepInput(gpu=False, ends=time.monotonic())))
    assert {row["error"] for row in late} == {"no time left"}


def fails_until(fits, error):
    def train(micro_batches):
        if micro_batches < fits:
            raise error

    return train


def test_batches_are_split_until_one_fits():
    known = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    rows = list(full_card.split_until_it_fits(fails_until(4, known), most=64))
    assert [(row["micro_batches"], row["error"]) for row in rows] == [
        (1, "ResourceExhaustedError"),
        (2, "ResourceExhaustedError"),
        (4, ""),
    ]
    assert not problems(rows)


def test_batches_that_never_fit_and_unknown_errors_are_reported():
    known = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    *_, last = full_card.split_until_it_fits(fails_until(128, known), most=4)
    assert last["problem"] == "a batch does not fit even in 4 micro-batches: ResourceExhaustedError"
    unknown = tf.errors.FailedPreconditionError(None, None, "something else")
    row = full_card.attempt("step", lambda: fails_until(2, unknown)(1))
    assert row["recognised"] is False
    assert "a run would fail with FailedPreconditionError: something else" in row["problem"]


@pytest.mark.parametrize("side", [None, 1, 7])
def test_depthwise_operations_run_with_their_gradients(side):
    assert depthwise.time_operation(side, tf.float32, (2, 8, 8, 4), xla=False) > 0


def test_a_depthwise_kernel_of_one_pixel_is_a_multiplication():
    values = tf.random.stateless_normal((2, 8, 8, 4), (0, 1))
    kernel = tf.random.stateless_normal((4,), (0, 2))
    product = depthwise._gradients(tf.multiply, values, kernel)
    depth = depthwise._gradients(depthwise._convolve, values, tf.reshape(kernel, (1, 1, 4, 1)))
    np.testing.assert_allclose(depth[0], product[0], rtol=1e-5)
    np.testing.assert_allclose(tf.reshape(depth[1], (4,)), product[1], rtol=1e-4, atol=1e-4)


def test_feeds_are_compared_with_the_resident_batch():
    small = replace(recipe("custom_cnn"), size=32, batch=4)
    rows = list(feeding.compare_feeds(small, "float32", steps=3, device="/CPU:0"))
    assert [row["feed"] for row in rows] == ["on the device", "pipeline", "pipeline, prefetched"]
    assert rows[0]["share_of_resident"] == 1
    assert all(0 <= row["wait_share"] < 1 for row in rows)


def test_micro_batches_and_the_whole_batch_agree():
    reference = agreement.compute("conv3_gray", agreement.Mode())
    row = agreement.compare("conv3_gray", agreement.Mode(micro_batches=4), reference)
    assert "problem" not in row
    assert row["gradient_difference"] < 1e-4


def test_another_gradient_is_a_problem_but_not_that_of_batch_norm_in_micro_batches(monkeypatch):
    monkeypatch.setattr(agreement, "compute", lambda *_: (1.0, np.array([1.0, 0.1])))
    reference = 1.0, np.array([1.0, 0.0])
    found = agreement.compare("conv3_gray", agreement.Mode("GPU", tf32=True), reference)
    assert (
        found["problem"]
        == "conv3_gray: GPU, float32, XLA off, micro-batches: 1 differs by 0.1 from float32 on the CPU"
    )
    assert "problem" not in agreement.compare("conv4_gray", agreement.Mode("GPU", micro_batches=4), reference)
    assert "problem" in agreement.compare("conv4_gray", agreement.Mode("GPU"), reference)


def test_modes_on_a_gpu_are_all_that_a_run_can_use():
    modes = agreement.list_modes(gpu=True)
    assert len(modes) == len(set(modes)) == 12
    assert {(mode.precision, mode.tf32) for mode in modes} == {
        ("float32", False),
        ("float32", True),
        ("mixed_bfloat16", False),
    }


def test_explanations_are_tried_while_the_card_is_full():
    entered = []

    @contextlib.contextmanager
    def full():
        entered.append("full")
        yield
        entered.append("free")

    rows = []
    for row in explaining.explain_everything("custom_cnn", 32, "float32", full()):
        rows.append((row["what"], row["error"], tuple(entered)))
    assert rows == [
        ("prediction before", "", ()),
        ("prediction on a full card", "", ("full",)),
        ("explanation by every method", "", ("full",)),
        ("weight randomization", "", ("full",)),
    ]
    assert entered == ["full", "free"]


@pytest.mark.slow
def test_a_tiny_run_leaves_everything():
    rows = list(tiny_run.measure(StepInput(gpu=False, ends=time.monotonic() + 300)))
    assert not problems(rows)
    assert [row["state"] for row in rows] == ["done", "written"]
