"""Driver, cards, packages and environment variables, read without TensorFlow."""

import os
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pynvml

from benchmarks.doctor.step_input import Row, StepInput
from pneumo_tf.costs.hardware import (
    Gpu,
    cores,
    energy_joules,
    gpus,
    memory_mb,
    nvml_handle,
    resolve_precision,
)
from pneumo_tf.costs.peak_flops import peak_flops

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "opencv-python-headless",
    "nvidia-cudnn-cu12",
    "nvidia-cublas-cu12",
    "nvidia-cuda-nvcc-cu12",
)

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "NVIDIA_TF32_OVERRIDE",
    "NVIDIA_VISIBLE_DEVICES",
    "TF_CUDNN_USE_AUTOTUNE",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "XLA_FLAGS",
)
"""Environment variables that change which device computes, or how."""


def measure(step_input: StepInput) -> Iterator[Row]:
    """Report driver, cards, packages and environment variables."""
    yield _fact("system", f"{platform.system()} {platform.machine()}, {cores()} cores, {memory_mb()} MB free")
    yield from read_driver()
    left_out: list[str] = []
    for gpu in gpus(left_out.append):
        yield _fact(f"GPU {gpu.index}", describe_gpu(gpu))
        yield read_use(gpu)
        yield _fact(f"energy of GPU {gpu.index}", describe_energy(gpu))
    for note in left_out:
        yield _fact("left out", note) | {"problem": note}
    for package in PACKAGES:
        yield _fact(package, _version(package))
    for name in VARIABLES:
        if name in os.environ:
            yield _fact(name, os.environ[name] or "empty")


def read_driver() -> Iterator[Row]:
    """Yield the versions of driver and CUDA; without a driver, one row and no problem."""
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        yield _fact("NVIDIA driver", "not installed")
        return
    except pynvml.NVMLError as error:
        yield _fact("NVIDIA driver", "does not answer") | {
            "problem": f"the NVIDIA driver does not answer ({error}); reload it or restart the machine"
        }
        return
    yield _fact("NVIDIA driver", _query(pynvml.nvmlSystemGetDriverVersion))
    yield _fact("CUDA of the driver", _query(lambda: pynvml.nvmlSystemGetCudaDriverVersion() / 1000))


def describe_gpu(gpu: Gpu) -> str:
    """Return name, memory, capability, precision of runs and peak arithmetic of a card or slice."""
    precision = resolve_precision("auto", gpu)
    peak = peak_flops(gpu.name, precision)
    known = f"{peak / 1e12:g} TFLOP/s by its data sheet" if peak else "peak not in the table"
    memory = "memory unknown" if gpu.memory_mb is None else f"{gpu.memory_mb} MB"
    capability = ".".join(map(str, gpu.capability))
    return f"{gpu.name}, {memory}, capability {capability}; {precision}, {known}"


def describe_energy(gpu: Gpu) -> str:
    """Return the reading of the energy counter, or why runs do not measure energy."""
    if gpu.mig:
        return "not measured: the counter is of the whole card"
    joules = energy_joules(gpu)
    if joules is None:
        return "not measured: there is no counter, or other processes compute on the card"
    return f"measured: the counter reads {joules:,.0f} J"


def read_use(gpu: Gpu) -> Row:
    """Return how much memory of a card or slice is used, and by how many processes."""

    def of_gpu(call: Callable[[Any], Any]) -> str:
        return _query(lambda: call(nvml_handle(gpu)))

    mode = of_gpu(lambda handle: pynvml.nvmlDeviceGetComputeMode(handle))
    taken = of_gpu(lambda handle: f"{pynvml.nvmlDeviceGetMemoryInfo(handle).used >> 20} MB")
    others = of_gpu(lambda handle: len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)))
    name = f"GPU {gpu.index}"
    row = _fact(f"use of {name}", f"{taken} taken, {others} processes compute on it, compute mode {mode}")
    if others.isdecimal() and int(others):
        row["problem"] = (
            f"{others} other processes compute on {name}; figures of memory and time are unreliable, and "
            "energy is not measured"
        )
    return row


def _query(call: Callable[[], Any]) -> str:
    try:
        return str(call())
    except pynvml.NVMLError as error:
        return f"unknown ({error})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _fact(what: str, value: str) -> Row:
    return {"what": what, "value": value}
