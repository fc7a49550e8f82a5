"""Damaged and lying image files: a result or a reason, the file by name, and memory within bounds."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.formats.registry import decode, read_header
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.errors import UserError
from tests.data.formats.hostile_images import BOMBS, HOSTILE, JPEG

REPOSITORY = Path(__file__).parents[3]
GIGABYTE = 10**9

LONGEST = 600
"""Seconds after which a process hangs: all files together take less than a minute."""


def outcome(content):
    """Shape of a file's gray, or the reason why it is refused, and the warnings."""
    warnings = []
    try:
        header = read_header(content)
        image = decode(content, header.bits, warnings.append)
    except ValueError as error:
        return str(error), warnings
    assert image.shape == (header.height, header.width) and image.dtype == np.uint8
    return image.shape, warnings


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_gives_a_result_or_a_reason(name):
    content, expected = HOSTILE[name]
    found, _ = outcome(content)
    if isinstance(expected, tuple):
        assert found == expected
    else:
        assert isinstance(found, str) and expected in found and "\n" not in found


@pytest.mark.parametrize("name", ["jpeg, cut and closed", "jpeg, noise", "jpeg, too high"])
def test_a_damaged_jpeg_that_decodes_is_warned_of(name, capfd):
    _, warnings = outcome(HOSTILE[name][0])
    assert len(warnings) == 1 and warnings[0].startswith("Corrupt JPEG data: ")
    # libjpeg itself reports on the terminal, without a name.
    assert capfd.readouterr() == ("", "")


def write_set(root, contents):
    """A set of one good film a class and split, with the given files among its normals."""
    names = {f"train/NORMAL/IM-{9000 + at}-0001.jpeg": content for at, content in enumerate(contents)}
    good = ("train/NORMAL/IM-1-0001", "train/PNEUMONIA/person1_virus_1")
    good += ("test/NORMAL/IM-2-0001", "test/PNEUMONIA/person2_virus_2")
    for film_id, content in {**names, **{f"{name}.jpeg": JPEG for name in good}}.items():
        path = root / film_id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(names)


def test_the_audit_names_each_file_that_is_refused(tmp_path):
    ids = write_set(tmp_path, [content for content, _ in HOSTILE.values()])
    expected = {film_id: expected for film_id, (_, expected) in zip(ids, HOSTILE.values(), strict=True)}
    decoded = decode_set(tmp_path)
    refused = {file.id: file.reason for file in decoded.unreadable}
    assert set(refused) == {film_id for film_id, one in expected.items() if isinstance(one, str)}
    assert all(expected[film_id] in reason for film_id, reason in refused.items())
    assert len(decoded.films) == len(ids) + 4 - len(refused)
    assert len(decoded.damaged) == 3


@pytest.mark.parametrize(
    "name", [name for name, (_, expected) in HOSTILE.items() if isinstance(expected, str)]
)
def test_training_names_the_file_in_one_line(tmp_path, name):
    content, expected = HOSTILE[name]
    (film_id,) = write_set(tmp_path / "films", [content])
    with pytest.raises(UserError) as error:
        cached_pixels(KERMANY.read(tmp_path / "films"), tmp_path / "cache", side=16)
    line = str(error.value)
    assert film_id in line and expected in line and "\n" not in line and "1 of 5 films" in line


def read_in_a_child(folder):
    """Outcome of every file of a folder and the memory taken so far, by a process that may crash or hang."""
    code = "from tests.data.formats.test_hostile_images import print_outcomes; print_outcomes()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"died after {lines[-1:]}: {done.stderr[-2000:]}"
    # OpenCV and libpng report some faults of PNG files on the terminal themselves.
    assert "Traceback" not in done.stderr
    return {name: rest for name, *rest in lines}


def print_outcomes():
    """Read every file of the folder in the command line; print name, outcome, seconds and peak of memory."""
    for path in sorted(Path(sys.argv[1]).iterdir()):
        start = time.monotonic()
        found, _ = outcome(path.read_bytes())
        seconds = time.monotonic() - start
        # Not ru_maxrss: a child inherits the peak of the process that started it.
        status = Path("/proc/self/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        print(json.dumps([path.name, found, seconds, peak]), flush=True)


def check_child(folder, files):
    """Check outcomes and memory of a table of files that lie in a folder; report the slowest."""
    found = read_in_a_child(folder)
    assert found.keys() == files.keys()
    for name, (_, expected) in files.items():
        shape_or_reason = found[name][0]
        if isinstance(expected, tuple):
            assert shape_or_reason == list(expected), name
        else:
            assert expected in shape_or_reason, name
    print("slowest:", *max((seconds, name) for name, (_, seconds, _) in found.items()))
    assert max(peak for *_, peak in found.values()) < GIGABYTE


def test_no_small_file_takes_a_gigabyte_or_hangs(tmp_path):
    for name, (content, _) in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    check_child(tmp_path, HOSTILE)


@pytest.mark.slow
def test_bombs_take_less_than_a_gigabyte(tmp_path):
    for name, (make, _) in BOMBS.items():
        (tmp_path / name).write_bytes(make())
        assert (tmp_path / name).stat().st_size < 10**7
    check_child(tmp_path, BOMBS)
