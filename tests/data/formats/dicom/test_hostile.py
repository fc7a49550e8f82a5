"""Hostile DICOM files: each gives a film or one reason, within memory, without a word on the terminal."""

import json
import re
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from tests.data.formats.dicom.dicom_files import run_lengths, write_dicom
from tests.data.formats.dicom.hostile_files import (
    BASELINE,
    FILM,
    FORM,
    JPEG_2000,
    JPEG_LS,
    LOSSLESS,
    RLE,
    hostile_files,
    lossy,
)

ROOT = Path(__file__).parents[4]

CHILD = """
import json, resource, sys
from pathlib import Path
from pneumo_tf.data.formats.dicom.dicom_format import DICOM
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
for path in sorted(Path(sys.argv[1]).iterdir()):
    answers = []
    for read in (DICOM.read_header, lambda content: DICOM.decode(content, 8, lambda warning: None)):
        try:
            read(path.read_bytes())
            answers.append("")
        except ValueError as error:
            answers.append(str(error))
    # Not ru_maxrss: a child inherits the peak of the process that started it.
    status = Path('/proc/self/status').read_text()
    peak = int(status.split('VmHWM:')[1].split()[0]) * 1024
    print(json.dumps([path.name, *answers, peak]), flush=True)
"""
"""Reads header and film of each file, and prints the reasons and the memory taken so far."""


def answers(folder):
    """Answers of a process of its own, by file: it may crash, and its memory is measured."""
    command = [sys.executable, "-c", CHILD, folder]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"died after {lines[-1:]}: {done.stderr[-2000:]}"
    assert done.stderr == ""
    return {name: rest for name, *rest in lines}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    files = hostile_files()
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return files, answers(folder)


def test_each_file_gives_a_film_or_its_reason(hostile):
    files, found = hostile
    assert found.keys() == files.keys() and len(files) >= 50
    wrong = {}
    for name, (_, expected) in files.items():
        header, film, _ = found[name]
        if expected and (expected not in header and not re.search(expected, header)):
            wrong[name] = header
        if (expected == "" and (header or film)) or (expected and film != header):
            wrong[name] = header, film
    assert not wrong


def test_reasons_are_one_plain_line(hostile):
    for name, (*reasons, _) in hostile[1].items():
        for reason in reasons:
            assert len(reason) < 160 and reason.isprintable(), name


def test_no_file_takes_a_gigabyte(hostile):
    assert max(peak for *_, peak in hostile[1].values()) < 1e9


def test_damaged_bytes_anywhere_give_a_film_or_a_reason(tmp_path):
    random = np.random.default_rng(0)
    whole = {
        "native": write_dicom(FILM),
        "rle": write_dicom(run_lengths(FILM), syntax=RLE, **FORM),
        "baseline": write_dicom(lossy(FILM), syntax=BASELINE, **FORM),
        "lossless": write_dicom(lossy(FILM, lossless=True), syntax=LOSSLESS, **FORM),
        "jpeg-ls": write_dicom(imagecodecs.jpegls_encode(FILM), syntax=JPEG_LS, **FORM),
        "jpeg 2000": write_dicom(
            imagecodecs.jpeg2k_encode(FILM, codecformat="j2k"), syntax=JPEG_2000, **FORM
        ),
    }
    for name, content in whole.items():
        for trial in range(60):
            damaged = np.frombuffer(content, np.uint8).copy()
            # From the first file meta element on: the mark itself stays.
            places = random.integers(132, len(damaged), random.integers(1, 12))
            damaged[places] = random.integers(0, 256, len(places))
            (tmp_path / f"{name} {trial}").write_bytes(damaged.tobytes())
    found = answers(tmp_path)
    assert len(found) == 60 * len(whole)
    # Not all are refused: most damage to pixels leaves a film.
    assert {film == "" for _, film, _ in found.values()} == {True, False}
