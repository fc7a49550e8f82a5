"""GPUs as CUDA would show them, whatever NVML can and cannot read."""

import pynvml
import pytest

from pneumo_tf.costs import hardware
from pneumo_tf.costs.hardware import device_variables, energy_joules, free_memory_mb, gpus
from pneumo_tf.costs.peak_flops import peak_flops
from pneumo_tf.errors import UserError
from tests.costs.fake_nvml import MIG_NAME, FakeNvml

CARDS = ("GPU-8f6e0000-a", "GPU-8f7f0000-b", "GPU-11110000-c")
SLICES = ("MIG-aaaa1111", "MIG-aabb2222")
ERRORS = {
    "no permission": pynvml.NVML_ERROR_NO_PERMISSION,
    "lost": pynvml.NVML_ERROR_GPU_IS_LOST,
    "unknown": pynvml.NVML_ERROR_UNKNOWN,
    "not supported": pynvml.NVML_ERROR_NOT_SUPPORTED,
    "no function": pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    "mismatch": pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}
of_each_error = pytest.mark.parametrize("code", ERRORS.values(), ids=ERRORS)


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Install a fake driver; the machine of the test has none of its own."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "CONTROL_DEVICE", tmp_path / "absent")

    def install(uuids=CARDS, visible=None, **answers):
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        FakeNvml(uuids, **answers).install(monkeypatch)

    return install


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        (None, [0, 1, 2]),
        ("", []),
        (" ", []),
        ("-1", []),
        ("none", []),
        ("NoDevFiles", []),
        ("1", [1]),
        ("2,0", [2, 0]),
        ("0,-1,1", [0]),
        ("-1,0", []),
        ("0,7,1", [0]),
        ("0,,1", [0]),
        ("0,0", []),
        ("GPU-8f6e", [0]),
        ("GPU-11110000-c, 1", [2, 1]),
        ("GPU-8f", []),
        ("GPU-ffff", []),
        ("MIG-aaaa", []),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(install, visible, indices):
    install(visible=visible)
    assert [gpu.index for gpu in gpus()] == indices


@pytest.mark.parametrize(
    ("visible", "entries"),
    [
        (None, ["0", *SLICES, "2"]),
        ("MIG-aabb", ["MIG-aabb2222"]),
        ("MIG-aabb2222,MIG-aaaa1111", ["MIG-aabb2222", "MIG-aaaa1111"]),
        ("MIG-aa", []),
        ("1", ["MIG-aaaa1111"]),
        ("GPU-8f7f", ["MIG-aaaa1111"]),
    ],
)
def test_a_worker_is_given_the_entry_of_its_card_or_slice(install, visible, entries):
    install(visible=visible, slices={1: SLICES})
    assert [device_variables(gpu)["CUDA_VISIBLE_DEVICES"] for gpu in gpus()] == entries


def test_the_entry_of_the_user_is_handed_on_as_it_is(install):
    install(visible="GPU-8f6e")
    (gpu,) = gpus()
    assert device_variables(gpu)["CUDA_VISIBLE_DEVICES"] == "GPU-8f6e"
    assert device_variables(None)["CUDA_VISIBLE_DEVICES"] == ""


def test_free_memory_is_that_of_the_card_or_slice(install):
    install(slices={1: SLICES})
    assert [free_memory_mb(gpu) for gpu in gpus()] == [39 * 1024, 4 * 1024, 4 * 1024, 39 * 1024]


def test_a_slice_has_its_own_name_and_memory_and_neither_peak_nor_energy(install):
    install(visible="MIG-aaaa", slices={1: SLICES})
    (gpu,) = gpus()
    assert (gpu.name, gpu.memory_mb, gpu.capability, gpu.mig) == (MIG_NAME, 5 * 1024, (8, 0), True)
    assert peak_flops(gpu.name, "mixed_bfloat16") is None
    assert energy_joules(gpu) is None


@of_each_error
def test_a_slice_without_a_name_is_never_taken_for_its_card(install, code):
    install(visible="1", slices={1: SLICES}, errors={"nvmlDeviceGetHandleByUUID": code})
    (gpu,) = gpus()
    assert gpu.name == "NVIDIA A100-SXM4-40GB MIG"
    assert peak_flops(gpu.name, "mixed_bfloat16") is None


@of_each_error
@pytest.mark.parametrize(
    "call", ["nvmlDeviceGetHandleByIndex", "nvmlDeviceGetName", "nvmlDeviceGetCudaComputeCapability"]
)
def test_a_card_that_cannot_be_read_is_left_out_with_one_line(install, call, code):
    install(errors={call: code}, broken=(1,))
    logged = []
    assert [gpu.index for gpu in gpus(logged.append)] == [0, 2]
    assert len(logged) == 1 and logged[0].startswith("GPU 1 is left out")


@of_each_error
def test_if_no_card_can_be_read_nothing_moves_to_the_cpu(install, code):
    install(errors={"nvmlDeviceGetName": code})
    with pytest.raises(UserError, match="GPU 0 is left out.*CUDA_VISIBLE_DEVICES=''"):
        gpus()


@of_each_error
@pytest.mark.parametrize("call", ["nvmlDeviceGetUUID", "nvmlDeviceGetMemoryInfo", "nvmlShutdown"])
def test_what_is_not_needed_may_be_missing(install, call, code):
    install(visible="1", errors={call: code})
    (gpu,) = gpus()
    assert gpu.index == 1
    if call == "nvmlDeviceGetMemoryInfo":
        shared = code == pynvml.NVML_ERROR_NOT_SUPPORTED
        assert gpu.memory_mb == (hardware._total_memory_mb() if shared else None)


@pytest.mark.parametrize("call", ["nvmlInit", "nvmlDeviceGetCount"])
@of_each_error
def test_a_driver_that_does_not_answer_is_an_error(install, call, code):
    install(errors={call: code})
    with pytest.raises(UserError, match="does not answer.*CUDA_VISIBLE_DEVICES=''"):
        gpus()


@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED])
def test_no_driver_is_no_gpu_but_a_container_without_nvml_is_an_error(install, monkeypatch, tmp_path, code):
    install(errors={"nvmlInit": code})
    assert gpus() == []
    monkeypatch.setattr(hardware, "CONTROL_DEVICE", tmp_path)
    with pytest.raises(UserError, match="NVIDIA_DRIVER_CAPABILITIES"):
        gpus()


def test_the_requested_cpu_needs_no_driver(install):
    install(visible="", errors={"nvmlInit": pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH})
    assert gpus() == []


@pytest.mark.parametrize(("visible", "lines"), [("0,7", 1), ("none", 0), ("0,-1", 0), ("0,1", 0), ("1,1", 1)])
def test_an_entry_that_names_no_gpu_is_noted_unless_it_means_none(install, visible, lines):
    install(visible=visible)
    logged = []
    gpus(logged.append)
    assert len(logged) == lines


@of_each_error
@pytest.mark.parametrize(
    "call",
    [
        "nvmlInit",
        "nvmlDeviceGetHandleByIndex",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetTotalEnergyConsumption",
    ],
)
def test_energy_that_cannot_be_read_is_not_known(install, call, code):
    install()
    (gpu, *_) = gpus()
    assert energy_joules(gpu) == 1500.0
    install(errors={call: code})
    assert energy_joules(gpu) is None


@of_each_error
@pytest.mark.parametrize("call", ["nvmlInit", "nvmlDeviceGetHandleByIndex", "nvmlDeviceGetMemoryInfo"])
def test_free_memory_that_cannot_be_read_is_not_known(install, call, code):
    install()
    (gpu, *_) = gpus()
    install(errors={call: code})
    assert free_memory_mb(gpu) is None
