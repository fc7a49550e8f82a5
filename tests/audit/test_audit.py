"""The command: a page with every chapter, whatever the set lacks, and one line for bad input."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.audit import main
from pneumo_tf.audit.chapters import counts, sizes
from pneumo_tf.audit.decoded import decode_set

HEADINGS = [
    "Films",
    "Duplicates",
    "Patients",
    "Patients that leak when the films are divided",
    "Is the test set a sample of the same films?",
    "Pixels",
    "Sizes of the original images",
    "Results of trivial models",
]


def audit(data, out, *more):
    assert main(["--data", str(data), "--out", str(out), *more]) == 0
    return (out / "audit.md").read_text()


@pytest.fixture(scope="module")
def page(small_phantom, tmp_path_factory):
    out = tmp_path_factory.mktemp("audit")
    return out, audit(small_phantom.root, out)


def test_the_page_has_a_box_and_every_chapter(page):
    out, text = page
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == HEADINGS
    assert text.index("[!IMPORTANT]") < text.index("## Films")
    assert "Left out" not in text
    assert "drawn by a program" in text
    assert re.fullmatch(r"\S.* films\. The films are .*\. Made with `.*`\.", text.splitlines()[2])
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert len(pictures) == 5 and all((out / picture).stat().st_size > 5000 for picture in pictures)
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png")) == sorted(pictures)


def test_the_counts_are_those_of_the_file_names(clean):
    table, _ = counts.describe_counts(clean).tables
    assert table.header == ["split", "normal", "bacteria", "virus", "all"]
    for folder, *cells in table.rows:
        names = [path.name for path in clean.dataset.root.glob(f"{folder}/*/*.jpeg")]
        kinds = [sum(f"_{kind}_" in name for name in names) for kind in ("bacteria", "virus")]
        assert cells == [f"{n:,}" for n in (len(names) - sum(kinds), *kinds, len(names))]


def test_a_clean_set_is_not_accused(page):
    box = page[1].split("## ")[0]
    assert not re.search("Remove|Fetch|Move|same picture|not the set", box)


def test_no_path_of_the_machine_is_on_the_page(page, small_phantom):
    assert str(small_phantom.root) not in page[1] and str(page[0]) not in page[1]
    assert not re.search(r"[\s`(]/\w+/", page[1])
    assert "`python -m benchmarks.audit --data chest_xray --out" in page[1]


def test_without_films_all_else_is_the_same(page, small_phantom, tmp_path):
    """Nothing but the film pictures may go, and the same films give the same bytes."""
    text = audit(small_phantom.root, tmp_path, "--without-films")
    assert {path.stem for path in tmp_path.rglob("*.png")} == {
        "class-balance",
        "image-sizes",
        "shift",
        "trivial-models",
    }
    for picture in tmp_path.rglob("*.png"):
        assert picture.read_bytes() == (page[0] / picture.relative_to(tmp_path)).read_bytes()
    kept = re.sub(r"!\[mean-films\].*\n\n\*.*\*\n\n", "", page[1])
    assert kept != page[1]
    assert [re.sub("Made with.*", "", each) for each in (kept, text)] == [re.sub("Made with.*", "", text)] * 2


def test_resized_films_need_their_sizes(planted, tmp_path):
    sizes_csv = planted.sizes_csv(tmp_path / "sizes.csv")
    for film in decode_set(planted.root).films:
        image = cv2.imread(str(planted.root / film.id), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(planted.root / film.id), cv2.resize(image, (64, 64)))
    text = audit(planted.root, tmp_path / "out")
    assert "Left out: all films are 64 × 64 pixels" in text and "letterboxed |" not in text
    assert "need the original sizes" in text and "64 × 64 pixels; original sizes are not known" in text
    assert not sizes.describe_sizes(decode_set(planted.root, sizes_csv)).left_out


def test_a_handful_of_films_still_gives_a_page(planted, tmp_path):
    for place in ("train/NORMAL", "train/PNEUMONIA", "test/NORMAL", "test/PNEUMONIA"):
        for film_id in planted.ids(place)[1:]:
            (planted.root / film_id).unlink()
    text = audit(planted.root, tmp_path / "out")
    assert text.count("Left out: ") == 3
    assert "train has 1 normal patients, and at least 10 are needed" in text


def test_bad_files_and_wrong_places_are_in_the_box(planted, tmp_path):
    pneumonia = planted.ids("train/PNEUMONIA")
    (planted.root / pneumonia[0]).write_bytes(b"")
    planted.recompress(pneumonia[1], "train/NORMAL/person950_virus_1.jpeg")
    planted.recompress(pneumonia[2], "train/PNEUMONIA/scan-7.jpeg")
    chapter = counts.describe_counts(decode_set(planted.root))
    box = "\n".join(chapter.care)
    assert pneumonia[0] in box and "train/NORMAL/person950_virus_1.jpeg" in box
    assert "State the patient of 1 film, such as `train/PNEUMONIA/scan-7.jpeg`" in box
    assert "not the published set" in box
    assert [list(row) for row in chapter.tables[1].rows] == [[pneumonia[0], "empty"]]


@pytest.mark.parametrize("wrong", ["no folder", "empty", "csv", "out"])
def test_bad_input_is_one_line(wrong, small_phantom, tmp_path, capsys):
    data, out, more = small_phantom.root, tmp_path / "out", []
    if wrong == "no folder":
        data = tmp_path / "nowhere"
    elif wrong == "empty":
        data = tmp_path
    elif wrong == "csv":
        (tmp_path / "sizes.csv").write_text("a,b\n1,2\n")
        more = ["--sizes", str(tmp_path / "sizes.csv")]
    else:
        out = tmp_path / "file"
        out.write_text("")
    assert main(["--data", str(data), "--out", str(out), *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_no_picture_is_empty(page):
    for path in page[0].rglob("*.png"):
        assert np.ptp(cv2.imread(str(path))) > 100


def test_tensorflow_stays_out():
    code = "import sys, pneumo_tf.audit.page; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
