"""`pip install .` installs what the requirement files do, and everything the packages need."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, DATA = SETTINGS["project"], SETTINGS["tool"]["setuptools"]["package-data"]
PACKAGES = ("benchmarks", "pneumo_tf")


def read_requirements(name):
    """Every requirement of a file and of those that it includes, one string each."""
    found = set()
    for line in (ROOT / name).read_text("utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("-r "):
            found |= read_requirements(line.removeprefix("-r "))
        elif line:
            found.add(line)
    return found


def described(requirements):
    """Name, extras and bounds of each requirement on Linux x86-64."""
    machine = {"sys_platform": "linux", "platform_machine": "x86_64"}
    parsed = map(Requirement, requirements)
    kept = [one for one in parsed if one.marker is None or one.marker.evaluate(machine)]
    return {(one.name, frozenset(one.extras), one.specifier) for one in kept}


@pytest.mark.parametrize(
    ("file", "extra"),
    [("requirements-cpu.txt", None), ("requirements.txt", "gpu"), ("requirements-dev.txt", "dev")],
)
def test_project_and_requirement_files_agree(file, extra):
    ours = PROJECT["dependencies"] + PROJECT["optional-dependencies"].get(extra, [])
    # `gpu` adds libraries to a TensorFlow that is a dependency already.
    plain = {one for one in described(ours) if extra != "gpu" or one[0] != "tensorflow" or one[1]}
    assert plain == described(read_requirements(file))


def test_both_tensorflows_of_a_gpu_install_have_the_same_bounds():
    both = described(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["gpu"])
    assert len({bounds for name, _, bounds in both if name == "tensorflow"}) == 1


def test_the_console_script_is_the_command_and_returns_its_exit_status(capsys):
    ((name, target),) = PROJECT["scripts"].items()
    command = EntryPoint(name, target, "console_scripts").load()
    assert command(["--list"]) == 0
    assert command(["--lisst"]) == 2
    assert "did you mean '--list'" in capsys.readouterr().err


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_installed(package):
    files = [
        path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    data = {
        path
        for name, patterns in DATA.items()
        for pattern in patterns
        for path in (ROOT / name.replace(".", "/")).glob(pattern)
    }
    modules = [path for path in files if path not in data]
    assert {path.suffix for path in modules} == {".py"}, (
        "other files need an entry in [tool.setuptools.package-data]"
    )
    assert all((path.parent / "__init__.py").exists() for path in modules), "a folder without it is not found"


def test_the_licence_file_is_there():
    assert all((ROOT / name).exists() for name in PROJECT["license-files"])


def test_the_citation_is_of_this_version():
    lines = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"version: {PROJECT['version']}" in lines
    assert f"license: {PROJECT['license']}" in lines
