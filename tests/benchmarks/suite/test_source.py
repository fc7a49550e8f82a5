"""Where films are looked for."""

from pathlib import Path

import pytest

from benchmarks.suite import source
from benchmarks.suite.source import find_source
from pneumo_tf.errors import UserError
from tests.data.datasets.test_kermany import make_tree


@pytest.fixture
def mount(tmp_path, monkeypatch):
    """An empty folder in place of Kaggle's, and a working folder without data."""
    (tmp_path / "kaggle/input").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(source, "MOUNTS", (tmp_path / "none", tmp_path / "kaggle/input"))
    return tmp_path / "kaggle/input"


@pytest.mark.parametrize("around", ["a", "a/chest_xray", "datasets/owner/a/versions/2/chest_xray"])
def test_a_mounted_set_is_found_at_any_depth(mount, around):
    make_tree(mount / around)
    found = find_source("auto")
    assert found.dataset.name == "kermany"
    assert found.dataset.list_films(found.path).root == mount / around
    assert found.notes == (f"Films found in {found.path}; --data names another folder.",)


def test_other_mounted_sets_do_not_hide_it(mount):
    make_tree(mount / "films/chest_xray")
    for other in ("another", "zoo"):
        (mount / other).mkdir()
        (mount / other / "table.csv").write_text("a,b\n1,2\n")
    assert find_source("auto").path == mount / "films"


def test_two_mounted_sets_below_one_folder_do_not_hide_each_other(mount):
    make_tree(mount / "datasets/one/chest_xray")
    make_tree(mount / "datasets/two/chest_xray")
    assert find_source("auto").path == mount / "datasets/one"


def test_google_drive_is_not_searched(mount):
    make_tree(mount / "drive/MyDrive/chest_xray")
    assert find_source("auto").dataset.synthetic


def test_fetched_films_come_before_mounted_ones(mount):
    make_tree(mount / "films")
    make_tree(Path("data/chest_xray"))
    assert find_source("auto").path == Path("data/chest_xray")


def test_without_any_films_synthetic_ones_are_drawn(mount):
    found = find_source("auto")
    assert found.dataset.synthetic and "benchmarks.fetch kermany" in found.notes[-1]


def test_the_users_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make_tree(tmp_path / "films")
    assert find_source("~/films").path == tmp_path / "films"


def test_the_whole_disk_is_not_searched():
    with pytest.raises(UserError, match="^/ is the whole disk; give the folder of the films$"):
        find_source("/")


def test_a_zip_is_not_a_folder(tmp_path):
    path = tmp_path / "archive.ZIP"
    path.write_bytes(b"PK")
    with pytest.raises(UserError, match=f"{path} is a zip; .*benchmarks.fetch NAME --zip {path}"):
        find_source(str(path))
