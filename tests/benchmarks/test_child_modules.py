"""Children run this package, not one of the same name where they are started."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchmarks import child_modules
from benchmarks.child_modules import module_variables

ROOT = Path(__file__).parents[2]


@pytest.fixture
def elsewhere(tmp_path):
    """A project that has a package named `benchmarks` too."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise SystemExit('another package')\n")
    return tmp_path


def list_commands(folder, **variables):
    environment = {**os.environ, **variables}
    command = [sys.executable, "-m", "benchmarks"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_another_package_of_the_name_is_not_run(elsewhere):
    # Without the variables it would be.
    assert "another package" in list_commands(elsewhere, PYTHONSAFEPATH="").stderr
    done = list_commands(elsewhere, **module_variables())
    assert done.returncode == 0
    assert "run_all" in done.stdout


def test_own_paths_of_the_user_are_kept(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "mine")
    assert module_variables()["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "mine"]
    monkeypatch.delenv("PYTHONPATH")
    assert module_variables()["PYTHONPATH"] == str(ROOT)


def test_an_installed_package_does_not_come_before_the_standard_library(monkeypatch):
    monkeypatch.setattr(child_modules, "ROOT", sysconfig.get_path("purelib"))
    monkeypatch.setenv("PYTHONPATH", "mine")
    assert module_variables() == {"PYTHONSAFEPATH": "1", "PYTHONPATH": "mine"}


def test_every_environment_that_a_command_makes_has_them():
    texts = [path.read_text("utf-8") for path in (ROOT / "benchmarks").rglob("*.py")]
    makers = [text for text in texts if "**os.environ" in text]
    assert makers and all("**module_variables()" in text for text in makers)
