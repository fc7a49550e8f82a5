"""NVML as a driver would answer: cards, slices, and errors by the name of the call."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pynvml

MIG_NAME = "NVIDIA A100-SXM4-40GB MIG 1g.5gb"


@dataclass
class FakeNvml:
    """Stands for a driver.

    Args:
        uuids: Of the cards.
        slices: UUIDs of the MIG slices of a card, by its number.
        processes: Number of processes that compute on a card or slice; one on those that are not named.
        errors: Error codes, by the call.
        broken: Cards whose calls raise; None for all.
    """

    uuids: tuple[str, ...]
    slices: dict[int, tuple[str, ...]] = field(default_factory=dict)
    processes: dict[int | str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    broken: tuple[int, ...] | None = None

    def install(self, monkeypatch):
        for call in (name for name in dir(self) if name.startswith("nvml")):
            monkeypatch.setattr(pynvml, call, self._guarded(call))

    def _guarded(self, call):
        def guarded(*arguments):
            if call in self.errors and (self.broken is None or self._card(*arguments) in self.broken):
                raise pynvml.NVMLError(self.errors[call])
            return getattr(self, call)(*arguments)

        return guarded

    def _card(self, handle=None, *_):
        if isinstance(handle, str):
            return next(card for card, uuids in self.slices.items() if handle in uuids)
        return handle

    def nvmlInit(self):
        pass

    def nvmlShutdown(self):
        pass

    def nvmlDeviceGetCount(self):
        return len(self.uuids)

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):
        assert any(uuid in uuids for uuids in self.slices.values())
        return uuid

    def nvmlDeviceGetName(self, handle):
        return MIG_NAME if isinstance(handle, str) else "NVIDIA A100-SXM4-40GB"

    def nvmlDeviceGetCudaComputeCapability(self, handle):
        return 8, 0

    def nvmlDeviceGetUUID(self, handle):
        return handle if isinstance(handle, str) else self.uuids[handle]

    def nvmlDeviceGetMigMode(self, handle):
        if handle not in self.slices:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle, number):
        if number >= len(self.slices[handle]):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return self.slices[handle][number]

    def nvmlDeviceGetMemoryInfo(self, handle):
        total = (5 if isinstance(handle, str) else 40) * 2**30
        return SimpleNamespace(total=total, used=2**30, free=total - 2**30)

    def nvmlDeviceGetComputeMode(self, handle):
        if isinstance(handle, str):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return 0

    def nvmlSystemGetDriverVersion(self):
        return "570.1"

    def nvmlSystemGetCudaDriverVersion(self):
        return 12_080

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [object()] * self.processes.get(handle, 1)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return 1_500_000
