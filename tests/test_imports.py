"""The rules of the house: imports only point up, and TensorFlow is loaded by the worker alone."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("pneumo_tf/**/*.py"), *ROOT.glob("benchmarks/**/*.py")])
ORDER = [
    "printable",
    "errors",
    "atomic",
    "failures",
    "stored_files",
    "file_lock",
    "recipe",
    "run_spec",
    "external_sets",
    "data",
    "predictions",
    "run_folder",
    "runs",
    "evaluation",
    "costs",
    "models",
    "training",
    "explain",
    "report",
    "audit",
]
"""Each package may import those before it. `runs` reads film tables, so `data` stands above it."""

HEAVY = ("tensorflow", "keras", "pandas", "seaborn", "matplotlib", "sklearn", "pydicom", "gdcm")
WITHOUT_TENSORFLOW = [
    "benchmarks.run_all",
    "benchmarks.suite.run",
    "benchmarks.suite.plan",
    "benchmarks.suite.planning",
    "benchmarks.suite.additions",
    "benchmarks.report",
    "benchmarks.fetch",
    "benchmarks.worker",
    "benchmarks.views.__main__",
    "benchmarks.doctor.__main__",
    "benchmarks.doctor.page",
    "benchmarks.doctor.step_child",
    "benchmarks.speed.__main__",
    "benchmarks.speed.fabricated",
    "benchmarks.speed.page",
    "pneumo_tf.runs",
    "pneumo_tf.data.pixels",
    "pneumo_tf.data.datasets.phantom",
    "pneumo_tf.data.augment",
    "pneumo_tf.evaluation.intervals",
    "pneumo_tf.models.registry",
    "pneumo_tf.models.trivial",
    "pneumo_tf.costs.hardware",
    "pneumo_tf.report",
    "pneumo_tf.report.frame",
    "pneumo_tf.report.figures",
]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_up(path):
    place = path.relative_to(ROOT).with_suffix("").parts
    for module in imported(path):
        parts = module.split(".")
        if place[0] == "pneumo_tf":
            assert parts[0] != "benchmarks"
        if place[0] == parts[0] == "pneumo_tf" and len(place) > 1 and len(parts) > 1 and place[1] != parts[1]:
            assert ORDER.index(parts[1]) < ORDER.index(place[1]), f"{module} is below {'.'.join(place)}"


def test_no_file_name_occurs_three_times():
    counts = Counter(path.name for path in SOURCES)
    free = {"__init__.py", "__main__.py", "registry.py", "page.py"}
    assert not {name for name, count in counts.items() if count > 2} - free


def loaded_after(code):
    code = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_tensorflow_stays_out(module):
    assert not loaded_after(f"import {module}") & {"tensorflow", "keras"}


@pytest.mark.parametrize("option", ["--list", "--dry-run"])
def test_looking_loads_nothing_heavy(option, tmp_path):
    code = (
        f"from benchmarks.run_all import main\nassert main(['{option}', '--out', '{tmp_path / 'out'}']) == 0"
    )
    assert not loaded_after(code)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(command):
    code = f"import runpy, sys\nsys.argv = ['{command}', '--help']\n"
    code += f"try:\n    runpy.run_module('benchmarks.{command}', run_name='__main__')\n"
    code += "except SystemExit as ended:\n    assert not ended.code"
    assert not loaded_after(code)


def test_the_list_of_commands_loads_nothing_heavy():
    assert not loaded_after("from benchmarks.__main__ import main\nassert main([]) == 0")


def test_a_wrong_row_of_speed_loads_nothing_heavy():
    assert not loaded_after("from benchmarks.speed.__main__ import main\nassert main(['--only', 'z']) == 2")
