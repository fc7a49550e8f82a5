"""NVML as a driver would answer; there need be none."""

import pynvml
import pytest

from pneumo_tf.costs import hardware
from pneumo_tf.costs.hardware import Gpu, energy_joules

CARD = Gpu(3, "NVIDIA A100-SXM4-40GB", 40960, (8, 0))


@pytest.fixture
def driver(monkeypatch):
    """Answers of the driver: millijoules by index, and the processes on the card."""
    answers = {"energy": {3: 1_500_000}, "processes": [object()]}
    monkeypatch.setattr(hardware.pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(hardware.pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(
        hardware.pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda handle: answers["processes"]
    )
    monkeypatch.setattr(
        hardware.pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: answers["energy"][handle]
    )
    return answers


def test_energy_is_in_joules(driver):
    assert energy_joules(CARD) == 1500.0


def test_energy_of_a_shared_card_is_not_reported(driver):
    driver["processes"] *= 2
    assert energy_joules(CARD) is None


def test_a_card_without_counter_or_driver_has_no_energy(driver, monkeypatch):
    def not_supported(handle):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(hardware.pynvml, "nvmlDeviceGetTotalEnergyConsumption", not_supported)
    assert energy_joules(CARD) is None
    monkeypatch.undo()
    assert energy_joules(Gpu(10**6, "none", 0, (0, 0))) is None
