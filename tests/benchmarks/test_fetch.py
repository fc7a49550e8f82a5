"""Fetching: from zips as they are, from malicious zips, and without kagglehub, network or login."""

import io
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import fetch
from pneumo_tf.data.datasets import kermany_zip
from pneumo_tf.data.datasets.checked_zip import ZipLimits
from pneumo_tf.data.datasets.kermany import KERMANY

REPOSITORY = Path(__file__).parents[2]
JPEG = cv2.imencode(".jpeg", np.random.default_rng(0).integers(0, 255, (24, 32), np.uint8))[1].tobytes()

FILMS = (
    "test/NORMAL/IM-0001-0001.jpeg",
    "test/PNEUMONIA/person1_virus_6.jpeg",
    "train/NORMAL/IM-0115-0001.jpeg",
    "train/PNEUMONIA/person1_bacteria_1.jpeg",
    "val/NORMAL/NORMAL2-IM-1427-0001.jpeg",
)


def plain(prefix="chest_xray/"):
    return {f"{prefix}{film}": JPEG for film in FILMS}


def make_zip(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command into `tmp_path/data/chest_xray`; returns the status and what was printed."""

    def run(*arguments):
        status = fetch.main(["kermany", "--out", str(tmp_path / "data/chest_xray"), *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def refused(run, tmp_path, *arguments):
    """The one line of an error that left nothing behind."""
    status, _, error = run(*arguments)
    line = error.strip().splitlines()[-1]
    assert status == 2 and line.startswith("error: ")
    assert not (tmp_path / "data").exists() or files(tmp_path / "data") == []
    assert not list((tmp_path / "data").glob("*"))
    return line


# Zips as they are


@pytest.mark.parametrize(
    "prefix", ["chest_xray/", "archive/chest_xray/", "", "./chest_xray/", "chest_xray\\"]
)
def test_zip(run, tmp_path, prefix):
    status, out, _ = run("--zip", make_zip(tmp_path / "a.zip", plain(prefix)))
    assert status == 0
    assert files(tmp_path / "data") == [f"chest_xray/{film}" for film in FILMS]
    assert (tmp_path / "data/chest_xray" / FILMS[0]).read_bytes() == JPEG
    assert "5 films in" in out and "3 for training, 2 for the test" in out
    assert "train: 2 instead of 1,349 normal films" in out
    assert "CC BY 4.0" in out and "10.1016/j.cell.2018.02.010" in out


def test_zip_with_second_copy_and_litter(run, tmp_path):
    second_copy = dict.fromkeys(plain("chest_xray/chest_xray/"), JPEG + b"second")
    entries = second_copy | plain()
    entries |= {f"chest_xray/__MACOSX/._{i}.jpeg": b"\0" for i in range(3)}
    entries |= {
        "chest_xray/train/NORMAL/.DS_Store": b"\0",
        "chest_xray/train/NORMAL/": b"",
        "readme.txt": b"x",
    }
    entries |= {"chest_xray/train/NORMAL/._IM-0115-0001.jpeg": b"\0"}
    entries |= {"__MACOSX/chest_xray/train/NORMAL/._IM-0115-0001.jpeg": b"\0"}
    entries |= {"chest_xray/train/COVID/c.png": JPEG, "chest_xray/cover.jpeg": JPEG}
    status, out, _ = run("--zip", make_zip(tmp_path / "a.zip", entries))
    assert status == 0
    assert "Left out: 5 films in a second copy of the set (such as chest_xray/chest_xray/test/" in out
    assert "2 films in no class folder of train, val or test (such as chest_xray/cover.jpeg)" in out
    assert "1 file with the extension .txt (readme.txt)." in out
    assert files(tmp_path / "data") == [f"chest_xray/{film}" for film in FILMS]
    assert all((tmp_path / "data/chest_xray" / film).read_bytes() == JPEG for film in FILMS)


def test_zip_with_class_folders_in_another_case(run, tmp_path):
    entries = {name.replace("NORMAL/", "Normal/"): content for name, content in plain().items()}
    assert run("--zip", make_zip(tmp_path / "a.zip", entries))[0] == 0
    assert files(tmp_path / "data") == [f"chest_xray/{film}" for film in FILMS]


def test_no_warning_where_the_counts_are_as_published(run, tmp_path, monkeypatch):
    counts = {("train", "normal"): 2, ("train", "bacteria"): 1, ("test", "normal"): 1, ("test", "virus"): 1}
    monkeypatch.setitem(fetch.DATASETS, "kermany", replace(KERMANY, counts=counts))
    assert "Warning" not in run("--zip", make_zip(tmp_path / "a.zip", plain()))[1]


# Zips that are not the set, or are malicious


@pytest.mark.parametrize("name", ["../evil.jpeg", "a/../../evil.jpeg", "/etc/evil", "C:\\evil", "..\\evil"])
def test_paths_out_of_the_folder_are_refused(run, tmp_path, name):
    line = refused(run, tmp_path, "--zip", make_zip(tmp_path / "a.zip", plain() | {name: b"x"}))
    assert "outside the folder" in line
    assert not list(tmp_path.rglob("evil*"))


def test_film_with_a_path_out_of_the_folder_is_refused(run, tmp_path):
    entries = plain() | {"chest_xray/train/NORMAL/../../../../IM-0116-0001.jpeg": JPEG}
    assert "outside the folder" in refused(run, tmp_path, "--zip", make_zip(tmp_path / "a.zip", entries))


def test_links_are_refused(run, tmp_path):
    path = make_zip(tmp_path / "a.zip", plain())
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("chest_xray/train/NORMAL/IM-0116-0001.jpeg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    assert "is a link" in refused(run, tmp_path, "--zip", path)


def test_entries_that_unpack_out_of_proportion_are_refused(run, tmp_path):
    entries = plain() | {"chest_xray/train/NORMAL/IM-0116-0001.jpeg": bytes(10**6)}
    path = make_zip(tmp_path / "a.zip", entries, zipfile.ZIP_DEFLATED)
    assert "unpacks to more than 100 times its size" in refused(run, tmp_path, "--zip", path)


def test_more_bytes_than_the_set_can_have_are_refused(run, tmp_path, monkeypatch):
    path = make_zip(tmp_path / "a.zip", plain())
    monkeypatch.setattr(kermany_zip, "LIMITS", ZipLimits(20, len(JPEG) * len(FILMS) - 1))
    assert "is not the set: it unpacks to" in refused(run, tmp_path, "--zip", path)
    monkeypatch.setattr(kermany_zip, "LIMITS", ZipLimits(20, len(JPEG) * len(FILMS)))
    assert run("--zip", path)[0] == 0


def test_more_entries_than_the_set_can_have_are_refused(run, tmp_path, monkeypatch):
    path = make_zip(tmp_path / "a.zip", plain())
    monkeypatch.setattr(kermany_zip, "LIMITS", ZipLimits(4, 10**9))
    assert "it holds 5 entries, over 4" in refused(run, tmp_path, "--zip", path)


def test_size_that_the_directory_understates_is_refused(run, tmp_path):
    path = make_zip(tmp_path / "a.zip", plain(), zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    assert "cannot be read as a zip" in refused(run, tmp_path, "--zip", path)


def test_encryption_is_refused(run, tmp_path):
    path = make_zip(tmp_path / "a.zip", plain())
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refused(run, tmp_path, "--zip", path)


def test_film_that_is_there_twice_is_refused(run, tmp_path):
    entries = plain() | {"chest_xray/train/normal/IM-0115-0001.jpeg": JPEG}
    line = refused(run, tmp_path, "--zip", make_zip(tmp_path / "a.zip", entries))
    assert "holds train/NORMAL/IM-0115-0001.jpeg twice" in line


def test_zip_of_two_sets_is_refused(run, tmp_path):
    archive = make_zip(tmp_path / "a.zip", plain("one/") | plain("two/") | plain("two/copy/"))
    line = refused(run, tmp_path, "--zip", archive)
    assert "contains several sets: one, two; unpack one of them and use it" in line


@pytest.mark.parametrize("lacking", ["test/NORMAL", "train/PNEUMONIA"])
def test_zip_without_a_class_is_refused(run, tmp_path, lacking):
    entries = {name: content for name, content in plain().items() if lacking not in name}
    assert "it lacks films in" in refused(run, tmp_path, "--zip", make_zip(tmp_path / "a.zip", entries))


@pytest.mark.parametrize("content", [b"", b"<html>", None, "cut", "flipped"])
def test_files_that_are_no_zip_or_damaged(run, tmp_path, content):
    path = make_zip(tmp_path / "a.zip", plain())
    whole = path.read_bytes()
    if content is None:
        path.unlink()
    elif content == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "flipped":
        path.write_bytes(whole.replace(JPEG, JPEG[:-9] + b"x" + JPEG[-8:], 1))
    else:
        path.write_bytes(content)
    line = refused(run, tmp_path, "--zip", path)
    assert ("there is no file" if content is None else "download it again") in line


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "(empty)"),
        (JPEG[: len(JPEG) // 2], "(cut off)"),
        (JPEG[: len(JPEG) // 2] + b"\xff\xd9", "(Corrupt JPEG data: premature end of data segment)"),
    ],
)
def test_broken_film_is_refused(run, tmp_path, content, message):
    path = make_zip(tmp_path / "a.zip", plain() | {f"chest_xray/{FILMS[2]}": content})
    line = refused(run, tmp_path, "--zip", path)
    assert message in line and FILMS[2] in line


# The folder


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_nothing_is_overwritten(run, tmp_path, kind):
    out = tmp_path / "data/chest_xray"
    out.parent.mkdir()
    if kind == "folder":
        out.mkdir()
    elif kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    before = out.lstat()
    status, _, error = run("--zip", make_zip(tmp_path / "a.zip", plain()))
    assert status == 2 and "exists and is not overwritten; delete it first" in error
    assert out.lstat() == before


def test_second_fetch_at_the_same_time_is_refused(run, tmp_path):
    (tmp_path / "data/.chest_xray.unfinished").mkdir(parents=True)
    status, _, error = run("--zip", make_zip(tmp_path / "a.zip", plain()))
    assert status == 2 and "another fetch is running, or one was killed" in error
    assert (tmp_path / "data/.chest_xray.unfinished").is_dir()


def test_interrupted_fetch_leaves_nothing(run, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "_check_decoding", interrupt)
    assert run("--zip", make_zip(tmp_path / "a.zip", plain()))[0] == 130
    assert os.listdir(tmp_path / "data") == []


class FailingFile(io.BytesIO):
    """A file on a disk that fails."""

    def read(self, *_):
        raise OSError(5, "Input/output error")

    def write(self, *_):
        raise OSError(28, "No space left on device")


def test_full_disk(run, tmp_path, monkeypatch):
    archive, really_open = make_zip(tmp_path / "a.zip", plain()), Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r": FailingFile() if mode == "xb" else really_open(path, mode)
    )
    line = refused(run, tmp_path, "--zip", archive)
    assert f"{FILMS[0]}: No space left on device; free space, or choose another --out" in line


def test_full_disk_at_the_end(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    line = refused(run, tmp_path, "--zip", make_zip(tmp_path / "a.zip", plain()))
    assert line.endswith("data/chest_xray: No space left on device; free space, or choose another --out")


def test_download_that_cannot_be_read(run, tmp_path, monkeypatch):
    for path, content in plain("").items():
        (tmp_path / "cache" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / path).write_bytes(content)
    download = replace(
        KERMANY.download,
        folder=lambda: tmp_path / "cache",
        open_folder=lambda _: dict.fromkeys(FILMS, FailingFile),
    )
    monkeypatch.setitem(fetch.DATASETS, "kermany", replace(KERMANY, download=download))
    assert refused(run, tmp_path) == f"error: cannot read {FILMS[0]}: Input/output error"


def test_zip_that_cannot_be_opened(run, tmp_path, monkeypatch):
    path = make_zip(tmp_path / "a.zip", plain())

    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(zipfile, "ZipFile", denied)
    line = refused(run, tmp_path, "--zip", path)
    assert line == f"error: cannot fetch kermany: [Errno 13] Permission denied: '{path}'"


def test_copied_film_that_cannot_be_read(run, tmp_path, monkeypatch):
    def fail(dataset, film_id, warn):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fetch.Dataset, "decode", fail)
    line = refused(run, tmp_path, "--zip", make_zip(tmp_path / "a.zip", plain()))
    assert "5 of 5 films in" in line and f"{FILMS[0]} (Input/output error)" in line
    assert "free space" not in line


# kagglehub


def test_without_kagglehub(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    line = refused(run, tmp_path)
    assert "pip install kagglehub" in line and "--zip" in line and "https://www.kaggle.com/" in line


def failures():
    requests, exceptions = pytest.importorskip("requests"), pytest.importorskip("kagglehub").exceptions

    def answered(status):
        response = requests.Response()
        response.status_code = status
        return exceptions.KaggleApiHTTPError("no", response)

    return {
        "cannot reach Kaggle; check the network": requests.ConnectionError("no route"),
        "cannot reach Kaggle": requests.Timeout("slow"),
        "Kaggle requires a login; run": exceptions.UnauthenticatedError(),
        "Kaggle answered 403; run": answered(403),
        "Kaggle answered 503; try again later": answered(503),
        "the download was damaged; run again": exceptions.DataCorruptionError("checksum"),
        "Kaggle could not serve the set": exceptions.BackendError("busy"),
    }


def test_failures_of_kaggle_are_named_with_the_remedy(run, tmp_path, monkeypatch):
    kagglehub = pytest.importorskip("kagglehub")
    for message, failure in failures().items():

        def fail(handle, failure=failure):
            raise failure

        monkeypatch.setattr(kagglehub, "dataset_download", fail)
        line = refused(run, tmp_path)
        assert message in line and "--zip" in line


def test_download(run, tmp_path, monkeypatch):
    kagglehub = pytest.importorskip("kagglehub")
    cache = tmp_path / "cache"
    with zipfile.ZipFile(make_zip(tmp_path / "a.zip", plain() | plain("chest_xray/chest_xray/"))) as file:
        file.extractall(cache)
    handles = []
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: handles.append(handle) or str(cache))
    status, out, _ = run()
    assert status == 0 and handles == ["paultimothymooney/chest-xray-pneumonia/versions/2"]
    assert files(tmp_path / "data") == [f"chest_xray/{film}" for film in FILMS]
    assert str(cache) in out


def test_what_is_left_out_of_a_download_is_counted(tmp_path, capsys):
    cache = tmp_path / "cache"
    with zipfile.ZipFile(
        make_zip(tmp_path / "a.zip", plain() | {"chest_xray/test/NORMAL/a.gif": b""})
    ) as file:
        file.extractall(cache)
    source = replace(KERMANY, download=replace(KERMANY.download, folder=lambda: cache))
    fetch.fetch(source, tmp_path / "data")
    assert "Left out: 1 file with the extension .gif (test/NORMAL/a.gif)." in capsys.readouterr().out
    assert files(tmp_path / "data") == list(FILMS)


# The command


@pytest.mark.parametrize("arguments", [[], ["chexpert"], ["kermany", "--wrong"]])
def test_wrong_use_is_one_line(arguments, capsys):
    assert fetch.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_help_is_light():
    code = (
        "import sys; from benchmarks import fetch\n"
        "try: fetch.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'cv2', 'kagglehub', 'rich', 'requests', 'tensorflow', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "default: data/chest_xray" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
