"""The probe before a suite, with children that fail as TensorFlow does."""

import sys

import pytest

from benchmarks.suite import gpu_probe
from benchmarks.suite.gpu_probe import find_reason, require_usable_gpus
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.errors import UserError

CARDS = [Gpu(index, "NVIDIA A100-SXM4-40GB", 40960, (8, 0)) for index in (0, 1)]
CUDNN = (
    "E0000 00:00:1700000000.123456 42 cuda_dnn.cc:522] Loaded runtime CuDNN library: 8.9.6 but source was "
    "compiled with: 9.3.0."
)
HARMLESS = "E0000 00:00:1700000000.1 1 cuda_fft.cc:485] Unable to register cuFFT factory: Attempting"
DLOPEN = "W0000 00:00:1700000000.2 1 gpu_device.cc:2342] Cannot dlopen some GPU libraries. Please make sure"


@pytest.fixture
def child(monkeypatch):
    """Let the probe start Python with a text instead of its module."""
    start = gpu_probe.subprocess.Popen

    def install(text):
        monkeypatch.setattr(
            gpu_probe.subprocess, "Popen", lambda command, **how: start([sys.executable, "-c", text], **how)
        )

    return install


def test_cards_that_compute_pass(child):
    child("import os; assert os.environ['CUDA_VISIBLE_DEVICES'] in ('0', '1')")
    require_usable_gpus(CARDS)


def test_the_card_that_fails_is_named_with_the_reason_of_tensorflow(child):
    failing = f"import os, sys; print({CUDNN!r}, file=sys.stderr); print('last', file=sys.stderr); "
    child(failing + "sys.exit(os.environ['CUDA_VISIBLE_DEVICES'] == '1')")
    with pytest.raises(UserError, match=r"GPU 1, .*: Loaded runtime CuDNN library: 8.9.6.*requirements.txt"):
        require_usable_gpus(CARDS)


def test_a_child_that_hangs_is_stopped(child, monkeypatch):
    monkeypatch.setattr(gpu_probe, "SECONDS", 0.2)
    child("import time; time.sleep(60)")
    with pytest.raises(UserError, match="no answer within"):
        require_usable_gpus(CARDS)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([CUDNN, HARMLESS, "UnimplementedError: DNN library is not found."], "Loaded runtime CuDNN library"),
        (
            [HARMLESS, DLOPEN, "Skipping registering GPU devices...", "TensorFlow finds no GPU"],
            "Cannot dlopen",
        ),
        ([HARMLESS, "Traceback", "InternalError: exclusive mode"], "InternalError: exclusive mode"),
        (
            ["2025-01-01 10:00:00.1: E external/xla/cuda_driver.cc:152] failed call to cuInit"],
            "failed call to",
        ),
        ([], "without a message"),
    ],
)
def test_the_line_that_explains_a_failure(lines, reason):
    found = find_reason("\n".join(lines))
    assert reason in found and ".cc" not in found
