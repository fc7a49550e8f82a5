"""The suite on the RSNA challenge: published labels, classes and headers, with films drawn for the test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pneumo_tf.data.datasets.rsna import RSNA
from pneumo_tf.runs import Runs
from tests.conftest import SHARED
from tests.data.datasets.rsna_folder import FILMS, published_films, write_rsna

ROOT = Path(__file__).parents[2]

EVERY = 75
"""One of so many images that have a class is drawn."""

WITHOUT_CLASS = 6
"""Number of images that have none, all of which the published table ends before."""


@pytest.fixture(scope="module")
def films():
    """A few hundred images of all classes, six of them without one."""
    folder = SHARED / "data" / "rsna"
    if not folder.is_dir():
        pytest.skip(f"no published tables in {folder}")
    published = published_films(folder)
    unknown = [film for film in published if not film.finding]
    return [film for film in published if film.finding][::EVERY] + unknown[:WITHOUT_CLASS]


@pytest.fixture(scope="module")
def root(films, tmp_path_factory):
    return write_rsna(tmp_path_factory.mktemp("data") / "rsna", films)


@pytest.fixture(scope="module")
def board(root, tmp_path_factory):
    """The page and the runs of a suite on these films."""
    out = tmp_path_factory.mktemp("suite") / "out"
    recipes = "resnet18_scratch,resnet18_scratch_weighted,majority"
    size = ("--only", recipes, "--size", "32", "--films", "80", "--epochs", "1")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run_all", "--data", str(root), "--out", str(out), *size],
        cwd=out.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (out / "report/leaderboard.md").read_text(), out


def test_films_have_the_published_labels_and_headers(films, root):
    dataset = RSNA.read(root)
    rows = {film.id: film for film in dataset.films}
    assert len(rows) == len(films) > 300
    for film in films:
        row = rows[f"{FILMS}/{film.image}.dcm"]
        assert row.label == bool(film.boxes) == (row.subtype == "opacity")
        stated = {name: dataset.films.covariates[name][row.id] for name in ("age", "sex", "view")}
        assert stated == {"age": film.age, "sex": film.sex, "view": film.view}
    assert f"{WITHOUT_CLASS} of {len(films)} images have no class" in "".join(dataset.notes)


@pytest.mark.slow
def test_every_recipe_is_a_row_and_boxes_are_used(board):
    page, out = board
    assert {folder.status["state"] for folder in Runs(out / "runs")} == {"done"}
    rows = json.loads((out / "report/leaderboard.json").read_text())["boards"][0]["rows"]
    assert {row["recipe"] for row in rows} == {"resnet18_scratch", "resnet18_scratch_weighted", "majority"}
    assert "outline of the opacity" in page


@pytest.mark.slow
def test_the_board_states_task_patients_classes_and_what_was_published(board, films):
    page, _ = board
    assert f"rsna: {len(films)} films" in page and "Task opacity-vs-all" in page
    assert f"{WITHOUT_CLASS} of {len(films)} images have no class" in page
    assert "patientId identifies an image" in page
    (line,) = (line for line in page.splitlines() if "57,199 pneumonia" in line)
    assert "0.839" in line and "cannot be RSNA's 26,684 films, 6,012 of them positive" in line
