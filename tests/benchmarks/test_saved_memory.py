"""The table of memory in docs/speed.md is what is counted today, and what shapes give by hand."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "speed.md"


def rows(page):
    table = page.read_text("utf-8").split("<!-- saved memory:")[1].split("<!-- /saved memory")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {name: [float(cell) for cell in others] for name, *others in cells[2:]}


def test_the_command_counts_what_the_page_has(tmp_path):
    page = shutil.copy(PAGE, tmp_path / "speed.md")
    names = ["vgg16", "baseline_cnn"]
    command = [sys.executable, "-m", "benchmarks.speed.saved_memory", "--only", ",".join(names)]
    subprocess.run([*command, "--page", page], check=True, capture_output=True, cwd=ROOT)
    counted, shown = rows(Path(page)), rows(PAGE)
    assert list(counted) == names
    assert counted == {name: shown[name] for name in names}, "python -m benchmarks.speed.saved_memory"


def test_the_row_of_vgg16_by_hand():
    side, _, _, batch, gigabytes = rows(PAGE)["vgg16"]
    # Of each block (channels, convolutions) the ReLUs, and its pooled maps; and three channels of the film.
    blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    values = side**2 * 3
    for number, (channels, convolutions) in enumerate(blocks):
        area = (side / 2**number) ** 2
        values += area * channels * convolutions + area / 4 * channels
    assert gigabytes == pytest.approx(batch * values * 2 / 1e9, abs=0.06)


def test_figures_that_others_counted_from_the_same_graphs():
    counted = {name: figures[1] for name, figures in rows(PAGE).items()}
    known = {"convnext_base": 226, "densenet121": 96, "resnet101v2": 85, "resnet50v2": 52, "vgg16": 30}
    assert {name: round(counted[name]) for name in known} == pytest.approx(known, abs=1)
