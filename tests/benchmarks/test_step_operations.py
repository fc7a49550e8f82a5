"""The table of operations in docs/speed.md is what the step holds today, below what Keras' own holds."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "speed.md"


def rows(page):
    table = page.read_text("utf-8").split("<!-- operations:")[1].split("<!-- /operations")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {name: [float(cell.replace(",", "")) for cell in others] for name, *others in cells[2:]}


def test_the_command_counts_what_the_page_has(tmp_path):
    # In a process of its own: deterministic operations, which other tests enable, are others.
    page = shutil.copy(PAGE, tmp_path / "speed.md")
    names = ["baseline_cnn", "regularized_cnn"]
    command = [sys.executable, "-m", "benchmarks.speed.operations", "--only", ",".join(names), "--page", page]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    counted, shown = rows(Path(page)), rows(PAGE)
    assert list(counted) == names
    assert counted == {name: shown[name] for name in names}, "python -m benchmarks.speed.operations"


def test_keras_needs_over_ten_operations_more_for_each_variable():
    for variables, theirs, ours, _, conditions, _ in rows(PAGE).values():
        # What is left is the network: an update has three operations a variable at most.
        assert theirs - ours > 10 * variables
        assert conditions == 0
