"""A folder with odd names and odd files, from `--data` to the pages, without root's permissions."""

import os
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from pneumo_tf.data.films import Films
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.picture import encode_png
from tests.permissions import limited
from tests.report.test_markdown import PARSER

ROOT = Path(__file__).parents[2]

ACCEPTED = (
    "!$\\frac{1$.jpeg",
    "two  spaces .jpeg",
    " leading.jpeg",
    "<script>alert(1)<.jpeg",
    "<img src=x onerror=y>.png",
    "a|b.jpeg",
    "back`tick`s.jpeg",
    "[link](http:..x).jpeg",
    "![picture](x.png).jpeg",
    "[bold]rich.jpeg",
    "right\u202eto left.jpeg",
    f"{unicodedata.normalize('NFC', 'é')}.jpeg",
    f"{unicodedata.normalize('NFD', 'é')}.jpeg",
    "肺 😀.jpeg",
    f"{'x' * 245}.jpeg",
    "-rf.jpeg",
    "NA.jpeg",
    "\"quoted\" 'name'.jpeg",
    "a,b;c.jpeg",
    "=1+1.jpeg",
    "# heading.jpeg",
    "100%s {0}.jpeg",
    "*bold*_em_.jpeg",
    "back\\slash.jpeg",
    "~.jpeg",
)
"""Names of films that are read."""

REFUSED = (
    b"line\nfeed.jpeg",
    b"carriage\rreturn.jpeg",
    b"\x1b[31mred.jpeg",
    b"\xb7\xce.jpeg",
    b"\xc2\x85.png",
)
"""Names of films that a table or a terminal cannot hold."""


LEFT_OUT = (
    "5 files with a name that is not UTF-8 or has control characters (such as ",
    "2 files in a subfolder of a class (such as train/NORMAL/folder.jpeg/another.jpeg)",
    "2 folders beside train and test (such as beside)",
    "2 folders listed before under another name (such as train/NORMAL/loop)",
    "1 device (train/NORMAL/zero.jpeg)",
    "1 file beside train and test (itself)",
    "4 for other reasons.",
)
"""What the sentence on these files and folders names, in its order."""


def make_film(seed):
    shades = np.random.default_rng(seed).integers(0, 256, (40, 48), np.uint8)
    return cv2.imencode(".jpeg", shades)[1].tobytes()


def write(folder, name, content):
    with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as file:
        file.write(content)


def make_set(root, films=4):
    """A set with a few plain films in each class of train and test."""
    for seed, split in enumerate(("train", "test")):
        for label, name in (("NORMAL", "IM-{:04}-0001.jpeg"), ("PNEUMONIA", "person{:04}_virus_1.jpeg")):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(films):
                write(folder, name.format(1000 * seed + number), make_film((seed, len(label), number)))
    return root


def make_hostile(root):
    """A set with odd names, each film three times, so that the audit names it, and with odd files."""
    make_set(root)
    normal, pneumonia, test = root / "train/NORMAL", root / "train/PNEUMONIA", root / "test"
    for number, name in enumerate(ACCEPTED):
        write(normal, name, make_film(number // 3))
    for number, name in enumerate(REFUSED):
        write(pneumonia, name, make_film(number))
    os.mkfifo(normal / "pipe.jpeg")
    (normal / "zero.jpeg").symlink_to("/dev/zero")
    (normal / "loop").symlink_to(".")
    (root / "train/loop").symlink_to("..")
    (root / "beside").symlink_to(".")
    (root / "itself").symlink_to("itself")
    for folder in (normal / "folder.jpeg", test / "covid", root / "empty"):
        folder.mkdir()
    write(normal / "folder.jpeg", "film.jpeg", make_film(0))
    write(normal / "folder.jpeg", "another.jpeg", make_film(0))
    write(test / "covid", "c.jpeg", make_film(0))
    (pneumonia / "closed").mkdir(mode=0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(test / "socket.jpeg"))
    return root


def run(folder, *arguments):
    """Run a Python command in a folder, without the permission to read everything."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*limited(), sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """The suite and the audit of one hostile folder: where they wrote, and what they printed."""
    folder = tmp_path_factory.mktemp("hostile")
    make_hostile(folder / "films")
    suite = run(folder, "-m", "benchmarks.run_all", "--data", "films", "--only", "majority", "--out", "suite")
    audit = run(folder, "-m", "benchmarks.audit", "--data", "films", "--out", "audit")
    return folder, {"suite": suite, "audit": audit}


@pytest.mark.parametrize("command", ["suite", "audit"])
def test_commands_end_well(commands, command):
    _, done = commands
    assert (done[command].returncode, done[command].stderr) == (0, "")
    assert done[command].stdout.replace("\n", "").isprintable()


def test_every_accepted_name_is_a_film_and_no_other(commands):
    folder, _ = commands
    (table,) = (folder / "suite/runs/datasets").glob("*/films.csv")
    films = Films.from_csv(table.read_text("utf-8"))
    normals = {film.id.removeprefix("train/NORMAL/") for film in films if film.id.startswith("train/NORMAL/")}
    assert normals == {*ACCEPTED, *(f"IM-{number:04}-0001.jpeg" for number in range(4))}
    assert len(films) == 16 + len(ACCEPTED)


def test_what_is_left_out_is_counted_once(commands):
    folder, done = commands
    for text in (done["suite"].stdout, (folder / "audit/audit.md").read_text("utf-8")):
        assert text.count("Left out: 5 files") == 1
    (sentence,) = (line for line in done["suite"].stdout.splitlines() if line.startswith("Left out:"))
    places = [sentence.index(part) for part in LEFT_OUT]
    assert places == sorted(places)
    assert sentence.endswith(LEFT_OUT[-1])


def pages(folder):
    return [*(folder / "suite/report").glob("*.md"), folder / "audit/audit.md"]


def test_no_name_becomes_markup(commands):
    folder, _ = commands
    for page in pages(folder):
        text = page.read_text("utf-8")
        assert not set(text) & set("\r\x1b\u202e\x85")
        tokens = [inner for token in PARSER.parse(text) for inner in (token, *(token.children or ()))]
        markup = " ".join(token.content for token in tokens if token.type in ("html_inline", "html_block"))
        assert "script" not in markup and "onerror" not in markup
        links = [token.attrs["href"] for token in tokens if token.type == "link_open"]
        pictures = [token.attrs["src"] for token in tokens if token.type == "image"]
        assert not any(place[-1:] == "x" or "x.png" in place for place in links + pictures)
        for picture in pictures:
            assert (page.parent / picture).is_file()


def test_pages_show_the_names(commands):
    folder, _ = commands
    text = (folder / "audit/audit.md").read_text("utf-8")
    shown = "".join(inner.content for token in PARSER.parse(text) for inner in token.children or ())
    for name in ("<script>alert(1)<", "a|b", "[link](http:..x)", "NA", "肺 😀", "back\\slash"):
        assert name in shown


def test_a_dollar_sign_is_no_formula():
    with style.applied():
        figure, axes = style.page(1, 1, (1.0, 1.0), (0.1, 0.1), style.Margins(0.1, 0.1, 0.3, 0.3))
        axes.flat[0].set_xlabel("$\\frac{1$")
        assert encode_png(figure)
