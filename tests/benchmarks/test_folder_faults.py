"""Folders and files that may not be read: one line that names them, without root's permissions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.datasets.test_kermany import make_tree
from tests.permissions import limited

ROOT = Path(__file__).parents[2]

PROGRAM = """\
import sys
from benchmarks.run_all import main
for path in sys.argv[1:]:
    code = main(["--data", path, "--only", "majority", "--dry-run", "--out", "out"])
    print("code", code, file=sys.stderr, flush=True)
"""
"""Reads every folder in one process, which needs seconds to start."""


def close(path):
    path.chmod(0)
    return path


def film(root):
    close(root / "train/NORMAL/IM-0115-0001.jpeg")


def class_folder(root):
    close(root / "train/NORMAL")


def split_folder(root):
    close(root / "test")


def whole_set(root):
    close(root)


def film_behind_a_broken_link(root):
    (root / "train/NORMAL/IM-9-0001.jpeg").symlink_to("nowhere")


def film_that_is_a_loop(root):
    (root / "train/NORMAL/IM-9-0001.jpeg").symlink_to("IM-9-0001.jpeg")


def only_pipes(root):
    for path in (root / "test/NORMAL").iterdir():
        path.unlink()
        os.mkfifo(path)


FAULTS = {
    film: "train/NORMAL/IM-0115-0001.jpeg (Permission denied)",
    class_folder: "film of a known format (left out: 1 folder without permission to read (train/NORMAL))",
    split_folder: "no test/PNEUMONIA folder (left out: 1 folder without permission to read (test))",
    whole_set: "cannot read {}: Permission denied; change its permissions",
    film_behind_a_broken_link: "train/NORMAL/IM-9-0001.jpeg (No such file or directory)",
    film_that_is_a_loop: "train/NORMAL/IM-9-0001.jpeg (Too many levels of symbolic links)",
    only_pipes: "film of a known format (left out: 1 named pipe (test/NORMAL/IM-0001-0001.jpeg))",
}


def run(folder, *arguments):
    """Run Python in a folder, without the permission to read everything."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*limited(), sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """What each fault ends in: the lines of the error, and the exit status."""
    folder = tmp_path_factory.mktemp("faults")
    for fault in FAULTS:
        fault(make_tree(folder / fault.__name__))
    done = run(folder, "-c", PROGRAM, *(str(folder / fault.__name__) for fault in FAULTS))
    (folder / "whole_set").chmod(0o755)
    print(done.stderr)
    parts = done.stderr.split("code ")
    codes = [part.split("\n", 1)[0] for part in parts[1:]]
    errors = [part.split("\n", 1)[-1] if index else part for index, part in enumerate(parts[:-1])]
    return folder, dict(zip(FAULTS, zip(errors, codes, strict=True), strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_names_it(lines, fault):
    folder, found = lines
    error, code = found[fault]
    assert code == "2"
    assert error.startswith("error: ") and error.count("\n") == 1
    assert FAULTS[fault].format(folder / fault.__name__) in error


@pytest.mark.parametrize("command", ["benchmarks.run_all --only majority --dry-run", "benchmarks.audit"])
def test_a_set_whose_own_name_is_odd_can_be_read(tmp_path, command):
    odd = tmp_path / os.fsdecode(b"\xb7 \x1b[31m\r\n`films")
    make_tree(odd)
    done = run(tmp_path, "-m", *command.split(), "--data", odd.name, "--out", "out")
    assert (done.returncode, done.stderr) == (0, "")
    for page in (tmp_path / "out").glob("*.md"):
        assert page.read_text("utf-8").replace("\n", "").isprintable()


def test_a_path_in_an_error_is_printable(tmp_path):
    done = run(tmp_path, "-m", "benchmarks.run_all", "--data", "\x1b[31m\r\n")
    assert done.returncode == 2 and done.stderr.startswith(
        "error: there is no folder or table \\x1b[31m\\r\\n;"
    )


def test_a_closed_folder_beside_the_set_is_counted(tmp_path):
    make_tree(tmp_path / "disk/films/chest_xray")
    (tmp_path / "disk/lost+found").mkdir(mode=0)
    done = run(tmp_path, "-m", "benchmarks.run_all", "--only", "majority", "--dry-run", "--data", "disk")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Left out: 1 folder without permission to read (lost+found).") == 1
