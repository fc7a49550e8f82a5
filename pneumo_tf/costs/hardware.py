"""Hardware of the machine, read without TensorFlow: GPUs through NVML, cores and memory from the system."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pynvml

from pneumo_tf.costs.visible_devices import Card, select_cards
from pneumo_tf.errors import UserError

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
CONTROL_DEVICE = Path("/dev/nvidiactl")
"""File that exists if a driver is loaded and this container may use it, even if NVML is not installed."""

TO_USE_THE_CPU = "or CUDA_VISIBLE_DEVICES='' to use the CPU"
NO_SUCH_FUNCTION = (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound)

OnNote = Callable[[str], None]


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU, or one MIG slice of it.

    Args:
        index: Index of the card in NVML, which follows the order of the PCI bus.
        name: Name in NVML; the name of a slice ends with its profile, such as "MIG 1g.5gb".
        memory_mb: Total memory in MiB, None if NVML does not report it.
        capability: Compute capability, major and minor.
        entry: Entry of `CUDA_VISIBLE_DEVICES` that selects it; "" to use the index.
        mig: Whether it is a slice.
    """

    index: int
    name: str
    memory_mb: int | None
    capability: tuple[int, int]
    entry: str = ""
    mig: bool = False


def device_variables(gpu: Gpu | None) -> dict[str, str]:
    """Return the environment variables of a process that may use this GPU alone; None for the CPU."""
    return {
        # NVML numbers cards in this order; the default of CUDA is the fastest card first.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": (gpu.entry or str(gpu.index)) if gpu else "",
    }


def gpus(on_note: OnNote | None = None) -> list[Gpu]:
    """Find the NVIDIA GPUs that this process may use, as CUDA reads `CUDA_VISIBLE_DEVICES`.

    Args:
        on_note: Called with one line for each card that is left out because NVML cannot read it, and for an
            entry that names no GPU.

    Returns:
        GPUs in the order of `CUDA_VISIBLE_DEVICES`; an empty list if no driver is installed, or if the
        variable names no GPU.

    Raises:
        UserError: If there is a driver that NVML cannot query, or if it can read none of the cards.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not visible.strip():
        return []
    notes: list[str] = []
    with _nvml() as present:
        cards = _read_cards(notes) if present else []
        chosen, invalid = select_cards(cards, visible)
        found = [_read_gpu(card, entry) for card, entry in chosen if card.name]
    if invalid is not None and cards:
        notes.append(
            f"CUDA_VISIBLE_DEVICES={visible}: {invalid!r} is not a GPU; CUDA ignores it and all later entries"
        )
    if chosen and not found:
        raise UserError(
            f"no NVIDIA GPU can be used: {'; '.join(notes)}; restart the machine, {TO_USE_THE_CPU}"
        )
    if on_note:
        for note in notes:
            on_note(note)
    return found


@contextmanager
def _nvml() -> Iterator[bool]:
    """Open NVML; False if this machine has no driver."""
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded) as error:
        if CONTROL_DEVICE.exists():
            raise UserError(
                f"there is an NVIDIA driver, but NVML cannot query it ({error}); in a container set "
                f"NVIDIA_DRIVER_CAPABILITIES=compute,utility; {TO_USE_THE_CPU}"
            ) from error
        yield False
        return
    except pynvml.NVMLError as error:
        raise _no_answer(error) from error
    try:
        yield True
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _no_answer(error: pynvml.NVMLError) -> UserError:
    return UserError(
        f"there is an NVIDIA driver, but it does not answer ({error}); restart the machine if the driver was "
        f"updated; {TO_USE_THE_CPU}"
    )


def _read_cards(notes: list[str]) -> list[Card]:
    """List all cards by number; one that cannot be read keeps its number and adds a note."""
    try:
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        raise _no_answer(error) from error
    cards = []
    for index in range(count):
        try:
            cards.append(_read_card(index))
        except pynvml.NVMLError as error:
            cards.append(Card(index))
            notes.append(f"GPU {index} is left out: NVML cannot read it ({error})")
        if cards[-1].slices == ():
            notes.append(f"GPU {index} is left out: it is in MIG mode and has no slice (nvidia-smi mig -cgi)")
    return cards


def _read_card(index: int) -> Card:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
    return Card(index, _uuid(handle), _read_slices(handle), pynvml.nvmlDeviceGetName(handle), capability)


def _uuid(handle: Any) -> str:
    """Return the UUID; "" if NVML does not report it, in which case only the index identifies the card."""
    try:
        return pynvml.nvmlDeviceGetUUID(handle)
    except pynvml.NVMLError:
        return ""


def _read_slices(handle: Any) -> tuple[str, ...] | None:
    """Return the UUIDs of a card's MIG slices; None if the card is not divided."""
    try:
        enabled = pynvml.nvmlDeviceGetMigMode(handle)[0]
    except NO_SUCH_FUNCTION:
        return None
    if not enabled:
        return None
    uuids = []
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        with suppress(pynvml.NVMLError_NotFound):
            uuids.append(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)))
    return tuple(uuids)


def _read_gpu(card: Card, entry: str) -> Gpu:
    if card.slices is None:
        memory = _memory_mb(lambda: pynvml.nvmlDeviceGetHandleByIndex(card.index))
        return Gpu(card.index, card.name, memory, card.capability, entry)
    name = card.name
    with suppress(pynvml.NVMLError):
        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByUUID(entry))
    # A slice must not have the name of the whole card, whose peak speed does not apply to it.
    name = name if " MIG" in name else f"{name} MIG"
    memory = _memory_mb(lambda: pynvml.nvmlDeviceGetHandleByUUID(entry))
    return Gpu(card.index, name, memory, card.capability, entry, mig=True)


def _memory_mb(find_handle: Callable[[], Any]) -> int | None:
    try:
        return pynvml.nvmlDeviceGetMemoryInfo(find_handle()).total // 2**20
    except pynvml.NVMLError_NotSupported:
        # Only cards that share the memory of the system (GB10, Jetson) report none of their own.
        return _total_memory_mb()
    except pynvml.NVMLError:
        return None


def free_memory_mb(gpu: Gpu) -> int | None:
    """Read the free memory of a GPU, MiB; None if NVML does not report it."""
    try:
        with _nvml() as present:
            handle = nvml_handle(gpu) if present else None
            return pynvml.nvmlDeviceGetMemoryInfo(handle).free // 2**20 if present else None
    except (pynvml.NVMLError, UserError):
        return None


def nvml_handle(gpu: Gpu) -> Any:
    """Return NVML's handle of a card, or of its slice, while NVML is open."""
    if gpu.mig:
        return pynvml.nvmlDeviceGetHandleByUUID(gpu.entry)
    return pynvml.nvmlDeviceGetHandleByIndex(gpu.index)


def energy_joules(gpu: Gpu) -> float | None:
    """Read a GPU's counter of energy.

    Args:
        gpu: GPU to query.

    Returns:
        Joules of the whole card since its driver was loaded, of which only differences are meaningful. None
        for a MIG slice, if the card has no counter (before Volta), and if a second process computes on it.
    """
    if gpu.mig:
        return None
    try:
        with _nvml() as present:
            if not present:
                return None
            handle = nvml_handle(gpu)
            alone = len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)) <= 1
            return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000 if alone else None
    except (pynvml.NVMLError, UserError):
        return None


def resolve_precision(wanted: str, gpu: Gpu | None) -> str:
    """Return the Keras dtype policy of a run.

    Args:
        wanted: One of `PRECISIONS`.
        gpu: Device of the run, None for the CPU.

    Returns:
        `wanted` unless it is `"auto"`; then the half precision for which the GPU has tensor cores (bfloat16
        from compute capability 8, float16 from 7), or float32 if there are none.
    """
    if wanted != "auto":
        return wanted
    if gpu is None or gpu.capability < (7, 0):
        return "float32"
    return "mixed_bfloat16" if gpu.capability >= (8, 0) else "mixed_float16"


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_mb() -> int:
    """Return the free memory of the machine, MiB; where the system does not report it, the total."""
    try:
        with open("/proc/meminfo") as file:
            sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
        return sizes["MemAvailable"] // 1024
    except OSError:
        return _total_memory_mb()


def _total_memory_mb() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
