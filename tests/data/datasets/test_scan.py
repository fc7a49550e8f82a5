"""Scans of folders that hold more than films."""

import os
import socket

import pytest

from pneumo_tf.data.datasets import scan as module
from pneumo_tf.data.datasets.scan import (
    count_left_out,
    describe_left_out,
    is_system_file,
    levels,
    scan,
)
from pneumo_tf.errors import UserError


def write(root, *names):
    for name in names:
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"film")
    return root


def omissions(found):
    return {path: " ".join(filter(None, (noun, reason))) for path, noun, reason in found.omissions}


def test_files_of_all_levels_are_sorted(tmp_path):
    write(tmp_path, "b/2.png", "b/1.png", "a.png", "b/c/3.png", "é.png", "-.png")
    found = scan(tmp_path)
    walked = [
        os.path.relpath(os.path.join(folder, name), tmp_path)
        for folder, _, names in os.walk(tmp_path)
        for name in names
    ]
    assert list(found.files) == sorted(walked) and found.omissions == ()


def test_what_is_no_file_is_never_opened(tmp_path):
    write(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.png"))
        found = scan(tmp_path)
    assert found.files == ("a.png",)
    assert omissions(found) == {"pipe.png": "named pipe", "zero.png": "device", "s.png": "socket"}


def test_links_to_files_are_files_and_links_to_nothing_too(tmp_path):
    write(tmp_path / "set", "a.png")
    write(tmp_path, "elsewhere.png")
    (tmp_path / "set/link.png").symlink_to("../elsewhere.png")
    (tmp_path / "set/nothing.png").symlink_to("nowhere")
    (tmp_path / "set/itself.png").symlink_to("itself.png")
    assert scan(tmp_path / "set").files == ("a.png", "itself.png", "link.png", "nothing.png")


def test_a_loop_is_left_out(tmp_path):
    write(tmp_path, "b/film.png")
    (tmp_path / "b/up").symlink_to("..")
    (tmp_path / "b/itself").symlink_to(".")
    found = scan(tmp_path)
    assert found.files == ("b/film.png",)
    listed = "folder listed before under another name"
    assert omissions(found) == {"b/up": listed, "b/itself": listed}


def test_a_folder_is_listed_by_its_own_name_and_not_by_a_link(tmp_path):
    write(tmp_path, "z/film.png")
    (tmp_path / "a").symlink_to("z")
    found = scan(tmp_path)
    assert found.files == ("z/film.png",) and list(omissions(found)) == ["a"]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path):
    write(tmp_path / "elsewhere", "film.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train").symlink_to("../elsewhere")
    assert scan(tmp_path / "set").files == ("train/film.png",)


@pytest.mark.parametrize(
    "name", [b"a\rb.png", b"a\nb.png", b"a\x1b[31m.png", b"\xff.png", "a\u2028b.png", b"a\xc2\x85.png"]
)
def test_names_that_a_table_cannot_hold_are_left_out(tmp_path, name):
    write(tmp_path, "a.png", name)
    found = scan(tmp_path)
    assert found.files == ("a.png",)
    (one,) = count_left_out(found.omissions)
    assert one.example.isprintable() and one.example.endswith(".png")
    reason = "with a name that is not UTF-8 or has control characters"
    assert describe_left_out([one]) == f"Left out: 1 file {reason} ({one.example})."


def test_a_folder_with_such_a_name_is_left_out_as_a_whole(tmp_path):
    write(tmp_path, "a.png", b"\xff/b.png")
    assert scan(tmp_path).files == ("a.png",)


def test_litter_is_not_counted(tmp_path):
    litter = (
        ".DS_Store",
        "._a.png",
        "__MACOSX/a.png",
        ".ipynb_checkpoints/a.png",
        "@eaDir/a.png",
        "Thumbs.db",
    )
    write(tmp_path, "a.png", "desktop.ini", *litter)
    found = scan(tmp_path)
    assert found.files == ("a.png",) and found.omissions == ()
    assert not is_system_file("thumbs.dbx")


def test_depth_is_bounded_and_what_lies_deeper_is_counted(tmp_path):
    write(tmp_path, "1/2/3.png", "1/2/3/4.png", "1/2/x/y/z.png")
    found = scan(tmp_path, deepest=2)
    assert found.files == ("1/2/3.png",)
    assert omissions(found) == {
        "1/2/3": "folder too many levels down",
        "1/2/x": "folder too many levels down",
    }
    assert scan(tmp_path, deepest=4).omissions == ()


def test_number_of_entries_is_bounded(tmp_path):
    write(tmp_path, *(f"{folder}/{film}.png" for folder in "ab" for film in range(5)))
    assert len(list(levels(tmp_path, most=12))) == 2
    with pytest.raises(UserError, match="has more than 11 files and folders; give the folder of the films"):
        list(levels(tmp_path, most=11))


def test_other_folders_are_not_looked_into(tmp_path):
    write(tmp_path, "a/1.png", "b/2.png", "3.png", "a/b/4.png")
    assert scan(tmp_path, folders=["a"]).files == ("3.png", "a/1.png", "a/b/4.png")


def test_no_folder_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot read .*: No such file or directory"):
        scan(tmp_path / "none")


def test_sentence_names_the_most_frequent_reasons_and_counts_the_rest():
    omissions = [
        module.other_kind(f"{extension}{film}.{extension}") for extension in "abcdefgh" for film in "12"
    ]
    omissions.append(module.other_kind("single.b"))
    sentence = describe_left_out(count_left_out(omissions))
    assert sentence.startswith("Left out: 3 files with the extension .b (such as b1.b), 2 files with")
    assert sentence.endswith(", 4 for other reasons.")
    assert describe_left_out([]) == ""
