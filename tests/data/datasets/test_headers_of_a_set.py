"""Sizes of a set: from the headers of its files, from a CSV, and from the index of earlier starts."""

import json
import os
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from pneumo_tf.data import image_files
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.formats.registry import read_header
from pneumo_tf.data.image_files import read_headers
from tests.data.datasets.test_kermany import FILMS, encoded, make_tree, refused


@pytest.mark.parametrize("extension", [".jpeg", ".png"])
def test_size_of_the_header(extension):
    assert read_header(encoded(extension, 37, 21))[:2] == (37, 21)


def test_size_of_a_progressive_colour_jpeg_with_a_thumbnail():
    colour = cv2.imencode(".jpeg", np.zeros((5, 9, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[
        1
    ].tobytes()
    thumbnail = encoded(width=2, height=2)
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2) + thumbnail
    assert read_header(colour[:2] + segment + b"\xff" + colour[2:])[:2] == (9, 5)


def test_tables_before_the_frame_are_no_frame():
    jpeg = encoded(width=9, height=5)
    for marker in (0xC4, 0xC8, 0xCC):
        table = bytes((0xFF, marker)) + (9).to_bytes(2) + bytes(range(7))
        assert read_header(jpeg[:2] + table + jpeg[2:])[:2] == (9, 5)


def test_no_pixels():
    png = bytearray(encoded(".png"))
    png[16:20] = bytes(4)
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4)
    with pytest.raises(ValueError, match="damaged header"):
        read_header(bytes(png))


def write_sizes(path, films, header="path,width,height"):
    path.write_text("\n".join([header, *(f"{film},{100 + i},200" for i, film in enumerate(films))]))
    return path


def test_sizes_match_whatever_the_case(tmp_path):
    films = [film.replace("NORMAL/", "Normal/") for film in FILMS]
    sizes = write_sizes(tmp_path / "sizes.csv", FILMS, "\ufeffpath,width,height")
    dataset = KERMANY.read(make_tree(tmp_path / "set", films), sizes=sizes)
    assert {film.id: film.width for film in dataset.films} == {film: 100 + i for i, film in enumerate(films)}
    assert {film.height for film in dataset.films} == {200}


def test_sizes_that_lack_films(tmp_path):
    sizes = write_sizes(tmp_path / "sizes.csv", sorted(FILMS)[2:])
    message = refused(make_tree(tmp_path / "set"), sizes=sizes)
    assert "lacks 2 of 8 films, such as test/NORMAL/IM-0001-0001.jpeg" in message


@pytest.mark.parametrize(
    "text, line",
    [
        ("name,width,height\na,1,2", 2),
        ("path,width,height\na,1,2\nb,wide,2", 3),
        ("path,width,height\na,0,2", 2),
    ],
)
def test_sizes_that_are_no_sizes(tmp_path, text, line):
    sizes = tmp_path / "sizes.csv"
    sizes.write_text(text)
    assert f"line {line}: the columns must be path,width,height" in refused(
        make_tree(tmp_path / "set"), sizes=sizes
    )


def test_sizes_that_are_not_there_or_not_text(tmp_path):
    make_tree(tmp_path / "set")
    assert "cannot read" in refused(tmp_path / "set", sizes=tmp_path / "none.csv")
    (tmp_path / "sizes.csv").write_bytes(encoded())
    assert "not CSV text" in refused(tmp_path / "set", sizes=tmp_path / "sizes.csv")


@pytest.fixture
def opened(monkeypatch):
    """Names of the files whose content is read."""
    names = []
    read = image_files.read_content
    monkeypatch.setattr(image_files, "read_content", lambda path: names.append(Path(path).name) or read(path))
    return names


def test_index_is_reused_until_a_film_changes(tmp_path, opened):
    root, cache = make_tree(tmp_path / "set"), tmp_path / "cache"
    first = KERMANY.read(root, cache=cache)
    assert len(opened) == 8
    opened.clear()
    assert KERMANY.read(root, cache=cache).films == first.films and opened == []

    film = root / FILMS[0]
    before = film.stat()
    film.write_bytes(encoded(width=8, height=12))
    os.utime(film, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert film.stat().st_size == before.st_size  # Only the time shows that it changed.
    second = KERMANY.read(root, cache=cache)
    assert opened == [film.name]
    assert second.films.fingerprint != first.films.fingerprint
    changed = second.films.rows[second.films.position[FILMS[0]]]
    assert (changed.width, changed.height) == (8, 12)


def test_index_follows_added_and_removed_films(tmp_path, opened):
    root, cache = make_tree(tmp_path / "set"), tmp_path / "cache"
    KERMANY.read(root, cache=cache)
    opened.clear()
    (root / FILMS[1]).unlink()
    make_tree(root, ["train/NORMAL/IM-0116-0001.jpeg"])
    assert len(KERMANY.read(root, cache=cache).films) == 8
    assert opened == ["IM-0116-0001.jpeg"]


def test_index_keeps_films_that_another_start_does_not_list(tmp_path, opened):
    root, cache = make_tree(tmp_path / "set"), tmp_path / "cache"
    whole = read_headers(root, FILMS, cache=cache)
    make_tree(root, ["train/NORMAL/IM-0116-0001.jpeg"])
    part = read_headers(root, ["train/NORMAL/IM-0116-0001.jpeg", *FILMS[:2]], cache=cache)
    assert part[1:] == whole[:2]
    opened.clear()
    assert read_headers(root, FILMS, cache=cache) == whole and opened == []


def test_index_forgets_films_that_are_deleted(tmp_path):
    root, cache = make_tree(tmp_path / "set"), tmp_path / "cache"
    read_headers(root, FILMS, cache=cache)
    (root / FILMS[0]).unlink()
    make_tree(root, ["train/NORMAL/IM-0116-0001.jpeg"])
    read_headers(root, ["train/NORMAL/IM-0116-0001.jpeg"], cache=cache)
    (index,) = cache.iterdir()
    indexed = json.loads(index.read_text("utf-8"))["films"]
    assert sorted(indexed) == sorted([*FILMS[1:], "train/NORMAL/IM-0116-0001.jpeg"])


@pytest.mark.parametrize("damage", ["", "[]", '{"version": 0}', '{"version": 1, "films": {"x": [1]}}', "\0"])
def test_damaged_index_is_rebuilt(tmp_path, opened, damage):
    root, cache = make_tree(tmp_path / "set"), tmp_path / "cache"
    first = KERMANY.read(root, cache=cache)
    (index,) = cache.iterdir()
    index.write_text(damage)
    assert KERMANY.read(root, cache=cache).films == first.films
    opened.clear()
    KERMANY.read(root, cache=cache)
    assert opened == []


def test_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    assert len(KERMANY.read(make_tree(tmp_path / "set"), cache=tmp_path / "file").films) == 8


def test_sets_in_one_cache_do_not_mix(tmp_path, opened):
    for name in ("one", "two", "one", "two"):
        KERMANY.read(
            make_tree(tmp_path / name) if len(opened) < 16 else tmp_path / name, cache=tmp_path / "cache"
        )
    assert len(opened) == 16


def test_progress_counts_the_films_that_are_read(tmp_path):
    calls = []
    root, cache = make_tree(tmp_path / "set"), tmp_path / "cache"
    KERMANY.read(root, cache=cache, progress=lambda *call: calls.append(call))
    assert calls == [(done, 8) for done in range(1, 9)]
    calls.clear()
    KERMANY.read(root, cache=cache, progress=lambda *call: calls.append(call))
    assert calls == []
