import pytest

from pneumo_tf.costs.peak_flops import PEAKS, peak_flops


@pytest.mark.parametrize(
    ("device", "precision", "tera"),
    [
        ("NVIDIA A100-SXM4-40GB", "mixed_bfloat16", 312),
        ("NVIDIA A100-PCIE-40GB", "mixed_float16", 312),
        ("NVIDIA A100 80GB PCIe", "float32", 19.5),
        ("NVIDIA H100 80GB HBM3", "mixed_bfloat16", 989.4),
        ("NVIDIA H100 PCIe", "mixed_bfloat16", 756),
        ("NVIDIA H200", "float32", 67),
        ("NVIDIA L4", "mixed_bfloat16", 121),
        ("Tesla T4", "mixed_float16", 65),
        ("Tesla V100-SXM2-16GB", "float32", 15.7),
    ],
)
def test_data_sheets(device, precision, tera):
    assert peak_flops(device, precision) == pytest.approx(tera * 1e12)


@pytest.mark.parametrize(
    ("device", "precision"),
    [
        ("CPU, 2 threads", "float32"),
        ("NVIDIA H300", "mixed_bfloat16"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "mixed_bfloat16"),
        ("NVIDIA L40SX", "mixed_bfloat16"),
        ("Tesla T4", "mixed_bfloat16"),
        ("NVIDIA A100-SXM4-40GB", "float64"),
    ],
)
def test_what_is_not_known_is_not_guessed(device, precision):
    assert peak_flops(device, precision) is None


def test_a_card_is_in_the_table_once_and_half_precision_is_faster():
    for peak in PEAKS.values():
        assert peak.float16 > peak.float32
        assert peak.bfloat16 in (None, peak.float16)
