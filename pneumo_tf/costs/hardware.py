"""What the machine has, read without TensorFlow: GPUs through NVML, cores and memory from the system."""

import os
from dataclasses import dataclass

import pynvml

from pneumo_tf.errors import UserError

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU.

    Args:
        index: As in `CUDA_VISIBLE_DEVICES`.
        name: As the driver says it.
        memory_mb: In all, MiB.
        capability: Compute capability, major and minor.
    """

    index: int
    name: str
    memory_mb: int
    capability: tuple[int, int]


def gpus() -> list[Gpu]:
    """The NVIDIA GPUs that this process may use, none where there is no driver.

    Raises:
        UserError: Where `CUDA_VISIBLE_DEVICES` names one that is not there, or names it by UUID.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    found = [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    pynvml.nvmlShutdown()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return found
    wanted = [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    chosen = [gpu for gpu in found if str(gpu.index) in wanted]
    if len(chosen) < len(wanted):
        raise UserError(
            f"CUDA_VISIBLE_DEVICES={visible} names no GPU by its number; use 0 to {len(found) - 1}"
        )
    return chosen


def _gpu(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle).total // 2**20
    return Gpu(index, name, memory, tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle)))


def energy_joules(gpu: Gpu) -> float | None:
    """Reads a GPU's counter of energy.

    Args:
        gpu: Which one.

    Returns:
        Joules of the whole card since its driver was loaded: the difference of two readings counts. None
        where the card has no counter (before Volta), and where a second process computes on it.
    """
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(gpu.index)
        alone = len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)) <= 1
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000 if alone else None
    except pynvml.NVMLError:
        return None


def resolve_precision(wanted: str, gpu: Gpu | None) -> str:
    """Gives the Keras dtype policy that a run uses.

    Args:
        wanted: One of `PRECISIONS`.
        gpu: Where the run goes, None for the CPU.

    Returns:
        bfloat16 has tensor cores from compute capability 8 on, float16 from 7 on; neither pays on a CPU.
    """
    if wanted != "auto":
        return wanted
    if gpu is None or gpu.capability < (7, 0):
        return "float32"
    return "mixed_bfloat16" if gpu.capability >= (8, 0) else "mixed_float16"


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_mb() -> int:
    """Memory of the machine that is free for use, MiB."""
    try:
        with open("/proc/meminfo") as file:
            sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
        return sizes["MemAvailable"] // 1024
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
