"""Fetching sets that a table describes, RSNA and NIH: zips and folders as they are, and what to click."""

import shutil
import zipfile
from dataclasses import replace

import pytest

from benchmarks import fetch
from pneumo_tf.data.datasets.checked_zip import ZipLimits
from pneumo_tf.data.datasets.registry import DATASETS
from tests.data.datasets.nih_folder import write_nih
from tests.data.datasets.rsna_folder import write_rsna

WRITERS = {"rsna": write_rsna, "nih": write_nih}
PAGES = {
    "rsna": "https://www.kaggle.com/competitions/rsna-pneumonia-detection-challenge",
    "nih": "https://www.kaggle.com/datasets/nih-chest-xrays/data",
}


@pytest.fixture(scope="module", params=WRITERS)
def written(request, tmp_path_factory):
    """The name of a set, and a folder that holds it and more."""
    folder = tmp_path_factory.mktemp(request.param)
    root = WRITERS[request.param](folder / "set")
    (root / "notes.docx").write_text("x")
    (root / "stage_2_test_images").mkdir()
    (root / "stage_2_test_images/unlabelled.dcm").write_text("x")
    (folder / "__MACOSX").mkdir()
    return request.param, folder


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def of_the_set(folder):
    return [name for name in files(folder / "set") if "notes" not in name and "stage_2_test" not in name]


def make_zip(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for name in files(folder):
            archive.write(folder / name, f"archive/{name}")
    return path


def run(capsys, *arguments):
    status = fetch.main([*map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_zip(written, tmp_path, capsys):
    name, folder = written
    archive = make_zip(folder, tmp_path / "a.zip")
    status, out, _ = run(capsys, name, "--zip", archive, "--out", tmp_path / "out")
    assert status == 0 and files(tmp_path / "out") == of_the_set(folder)
    assert "for the test; all decode." in out and "this is not the published set" in out
    assert "Left out: 1 file with the extension .docx (archive/set/notes.docx), 1 film in the folder" in out
    assert "Task " in out and "Wang X, Peng Y" in out


def test_download(written, tmp_path, capsys, monkeypatch):
    name, folder = written
    source = DATASETS[name]
    downloaded = replace(source, download=replace(source.download, folder=lambda: folder))
    monkeypatch.setitem(DATASETS, name, downloaded)
    status, out, _ = run(capsys, name, "--out", tmp_path / "out")
    assert status == 0 and files(tmp_path / "out") == of_the_set(folder)
    assert out.index(source.download.steps[0]) < out.index("Copying from")


def test_zip_of_something_else_is_refused(written, tmp_path, capsys):
    name, _ = written
    (tmp_path / "other").mkdir()
    (tmp_path / "other/film.png").write_text("x")
    archive = make_zip(tmp_path / "other", tmp_path / "a.zip")
    status, _, error = run(capsys, name, "--zip", archive, "--out", tmp_path / "out")
    assert status == 2 and "is not the set: it has no " in error and not (tmp_path / "out").exists()


def test_zip_larger_than_the_set_is_refused(written, tmp_path, capsys, monkeypatch):
    name, folder = written
    source = DATASETS[name]
    limited = replace(source.download.open_archive.__self__, limits=ZipLimits(10_000, 1000))
    download = replace(source.download, open_archive=limited.open_archive)
    monkeypatch.setitem(DATASETS, name, replace(source, download=download))
    archive = make_zip(folder, tmp_path / "a.zip")
    status, _, error = run(capsys, name, "--zip", archive, "--out", tmp_path / "out")
    assert status == 2 and "is not the set: it unpacks to" in error


def test_a_film_that_is_cut_off_is_refused(written, tmp_path, capsys):
    name, folder = written
    copy = shutil.copytree(folder, tmp_path / "copy")
    film = copy / "set" / next(name for name in of_the_set(copy) if name.endswith((".dcm", ".png")))
    film.write_bytes(film.read_bytes()[:-20])
    archive = make_zip(copy, tmp_path / "a.zip")
    status, _, error = run(capsys, name, "--zip", archive, "--out", tmp_path / "out")
    assert status == 2 and film.name in error and not (tmp_path / "out").exists()


def test_without_a_network_there_is_one_line(written, tmp_path, capsys, monkeypatch):
    name, _ = written
    kagglehub = pytest.importorskip("kagglehub")
    requests = pytest.importorskip("requests")

    def fail(handle):
        raise requests.ConnectionError("no route")

    for download in ("dataset_download", "competition_download"):
        monkeypatch.setattr(kagglehub, download, fail)
    status, _, error = run(capsys, name, "--out", tmp_path / "out")
    assert status == 2 and error.count("\n") == 1
    assert "cannot reach Kaggle" in error and PAGES[name] in error and "--zip" in error


def test_rules_that_are_not_accepted_are_named(tmp_path, capsys, monkeypatch):
    kagglehub = pytest.importorskip("kagglehub")
    requests = pytest.importorskip("requests")
    names = []

    def refuse(name):
        names.append(name)
        response = requests.Response()
        response.status_code = 403
        raise kagglehub.exceptions.KaggleApiHTTPError("no", response)

    monkeypatch.setattr(kagglehub, "competition_download", refuse)
    _, _, error = run(capsys, "rsna", "--out", tmp_path / "out")
    assert names == ["rsna-pneumonia-detection-challenge"]
    assert "Kaggle answered 403; run" in error and f"accept the rules at {PAGES['rsna']}/rules" in error
