"""Peak arithmetic speed that NVIDIA states for its cards, for comparison with the speed of a run."""

import re
from typing import NamedTuple


class Peak(NamedTuple):
    """Peak speed of dense matrix products on a card, TFLOP/s.

    Args:
        float32: Speed in float32 without TF32, which `training.device` turns off.
        float16: Speed in float16 with float32 sums.
        bfloat16: Speed in bfloat16 with float32 sums, None before compute capability 8.
    """

    float32: float
    float16: float
    bfloat16: float | None


def _with_bfloat16(float32: float, half: float) -> Peak:
    return Peak(float32, half, half)


PEAKS: dict[str, Peak] = {
    r"NVIDIA H200": _with_bfloat16(67.0, 989.4),
    r"NVIDIA H200 NVL": _with_bfloat16(60.0, 836.0),
    r"NVIDIA H100 80GB HBM3": _with_bfloat16(67.0, 989.4),
    r"NVIDIA H100 NVL": _with_bfloat16(60.0, 835.0),
    r"NVIDIA H100 PCIe": _with_bfloat16(51.0, 756.0),
    r"NVIDIA A100[- ](SXM4|PCIE|PCIe|80GB)[- ]\w+": _with_bfloat16(19.5, 312.0),
    r"NVIDIA A30": _with_bfloat16(10.3, 165.0),
    r"NVIDIA A40": _with_bfloat16(37.4, 149.7),
    r"NVIDIA A10": _with_bfloat16(31.2, 125.0),
    r"NVIDIA L40S": _with_bfloat16(91.6, 362.0),
    r"NVIDIA L40": _with_bfloat16(90.5, 181.0),
    r"NVIDIA L4": _with_bfloat16(30.3, 121.0),
    r"NVIDIA RTX A6000": _with_bfloat16(38.7, 154.8),
    r"NVIDIA GeForce RTX 4090": _with_bfloat16(82.6, 165.2),
    r"NVIDIA GeForce RTX 3090": _with_bfloat16(35.6, 71.0),
    r"Tesla V100S-PCIE-32GB": Peak(16.4, 130.0, None),
    r"Tesla V100-SXM2-\w+": Peak(15.7, 125.0, None),
    r"Tesla V100-PCIE-\w+": Peak(14.0, 112.0, None),
    r"Tesla T4": Peak(8.1, 65.0, None),
}
"""Peaks by a pattern of the whole name of a card in NVML.

Source: NVIDIA's data sheets of the data-centre cards, where figures marked "with sparsity" are halved, and
the tables of the GA102 and Ada white papers for the RTX cards.
"""


def peak_flops(device: str, precision: str) -> float | None:
    """Return the peak speed of dense matrix products on a device.

    Args:
        device: Name of the card in NVML.
        precision: Keras dtype policy.

    Returns:
        FLOP/s; None for a CPU and for a card or precision that is not in the table.
    """
    for name, peak in PEAKS.items():
        if re.fullmatch(name, device):
            tera = getattr(peak, precision.removeprefix("mixed_"), None)
            return None if tera is None else tera * 1e12
    return None
