import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.doctor import page
from benchmarks.doctor.registry import STEPS

ROOT = Path(__file__).parents[3]
PAGE, EXAMINATIONS = ROOT / page.PAGE, ROOT / page.EXAMINATIONS


def first_cells(text):
    return re.findall(r"^\| `?(\w+)`? ", text, re.MULTILINE)


def test_the_page_explains_every_step_of_the_registry_in_its_order():
    table = PAGE.read_text("utf-8").split("| step | measures")[1].split("\n\n")[0]
    assert first_cells(table) == list(STEPS)


def test_every_examination_on_the_page_has_the_steps_of_the_registry():
    tables = PAGE.read_text("utf-8").split("| Step ")[1:]
    assert len(tables) == len(list(EXAMINATIONS.glob("*.json"))) > 0
    for table in tables:
        assert first_cells(table.split("\n\n")[0]) == list(STEPS)


def test_the_page_is_written_from_the_stored_examinations(tmp_path):
    copy = tmp_path / "doctor.md"
    shutil.copy(PAGE, copy)
    assert page.main(["--page", str(copy), "--examinations", str(EXAMINATIONS)]) == 0
    assert copy.read_text("utf-8") == PAGE.read_text("utf-8")


def test_the_page_names_no_folder_of_a_machine():
    stored = "".join(file.read_text("utf-8") for file in EXAMINATIONS.glob("*.json"))
    assert not re.findall(
        r"/(?:root|home|tmp|work|usr|Users|opt|var|mnt)\b[^ ]*", stored + PAGE.read_text("utf-8")
    )


def test_steps_without_a_gpu_are_named_until_one_has_run_them(tmp_path):
    stored = [json.loads(file.read_text("utf-8")) for file in sorted(EXAMINATIONS.glob("*.json"))]
    stored = [found for found in stored if not found["gpu"]][0]
    on_cpu = page.Examination.from_dict(stored)
    assert (
        page.describe_steps_not_run_on_gpu([on_cpu]) == f"**Never run on a GPU so far: {', '.join(STEPS)}.**"
    )
    on_gpu = page.Examination.from_dict(stored | {"gpu": True})
    skipped = [name for name, step in STEPS.items() if step.on_cpu is None]
    assert (
        page.describe_steps_not_run_on_gpu([on_cpu, on_gpu])
        == f"**Never run on a GPU so far: {', '.join(skipped)}.**"
    )


@pytest.mark.parametrize(
    ("text", "message"), [("{}", "format"), ('{"format": 0}', "format 0"), ("[", "Expecting")]
)
def test_a_file_that_is_no_examination_is_named(text, message, tmp_path, capsys):
    (tmp_path / "other.json").write_text(text)
    copy = tmp_path / "doctor.md"
    shutil.copy(PAGE, copy)
    assert page.main(["--page", str(copy), "--examinations", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "other.json" in printed
    assert message in printed
