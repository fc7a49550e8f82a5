"""Folders of the Kermany set as they arrive, and as they must not arrive."""

import os
import re
from collections import defaultdict

import cv2
import numpy as np
import pytest

from pneumo_tf.data.datasets.kermany import COUNTS, KERMANY, TITLE, read_name, source_series
from pneumo_tf.errors import UserError
from tests.conftest import SHARED

REAL = SHARED / "data"

needs_real = pytest.mark.skipif(not (REAL / "chest_xray").is_dir(), reason="the Kermany set is not here")

FILMS = (
    "train/NORMAL/IM-0115-0001.jpeg",
    "train/NORMAL/NORMAL2-IM-0383-0001-0002.jpeg",
    "train/PNEUMONIA/person1_bacteria_1.jpeg",
    "train/PNEUMONIA/person447_virus_921_1.jpeg",
    "val/NORMAL/NORMAL2-IM-1427-0001.jpeg",
    "val/PNEUMONIA/person1946_bacteria_4874.jpeg",
    "test/NORMAL/IM-0001-0001.jpeg",
    "test/PNEUMONIA/person1_virus_6.jpeg",
)


def encoded(extension=".jpeg", width=12, height=8, **options):
    flags = [value for pair in options.items() for value in (getattr(cv2, pair[0]), pair[1])]
    return cv2.imencode(extension, np.full((height, width), 90, np.uint8), flags)[1].tobytes()


def make_tree(root, films=FILMS):
    for film in films:
        path = root / film
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(path.suffix.lower()))
    return root


def ids(dataset):
    return [film.id for film in dataset.films]


# The published set


@pytest.fixture(scope="module")
def real():
    return KERMANY.read(REAL / "chest_xray", sizes=REAL / "original_sizes.csv")


def patients(films, *folders):
    keys = defaultdict(set)
    for film in films:
        if film.id.split("/")[0] in folders:
            keys[film.label].add(film.patient)
    return [len(keys[label]) for label in (0, 1)]


@needs_real
def test_real_set_has_the_published_counts(real):
    counts = defaultdict(int)
    for film in real.films:
        counts[tuple(film.id.split("/")[:2]) + (film.subtype,)] += 1
    assert counts == {
        ("train", "NORMAL", "normal"): 1341,
        ("train", "PNEUMONIA", "bacteria"): 2530,
        ("train", "PNEUMONIA", "virus"): 1345,
        ("val", "NORMAL", "normal"): 8,
        ("val", "PNEUMONIA", "bacteria"): 8,
        ("test", "NORMAL", "normal"): 234,
        ("test", "PNEUMONIA", "bacteria"): 242,
        ("test", "PNEUMONIA", "virus"): 148,
    }
    assert KERMANY.count_differences(real.films) == []
    assert (real.source.name, real.title) == ("kermany", f"{TITLE}, 5,856 films")


@needs_real
def test_real_set_has_no_patient_in_train_and_test(real):
    assert patients(real.films, "train") == [1211, 2443]
    assert patients(real.films, "val") == [8, 7]
    assert patients(real.films, "train", "val") == [1219, 2450]
    assert patients(real.films, "test") == [225, 203]
    train, test = (
        {film.patient for film in real.films if film.split == split} for split in ("train", "test")
    )
    assert not train & test


@needs_real
def test_number_alone_would_find_test_patients_in_train(real):
    """Why the key holds the etiology: bacteria and virus are numbered from 1 each."""
    naive = defaultdict(set)
    for film in real.films:
        if film.label == 1:
            naive[film.id.split("/")[0]].add(re.search(r"person\d+", film.id)[0])
    assert (len(naive["test"]), len(naive["test"] & naive["train"])) == (202, 170)


@needs_real
def test_original_sizes_replace_those_of_the_resized_copies(real):
    sides = [side for film in real.films for side in (film.width, film.height)]
    assert (min(sides), max(sides)) == (127, 2916)
    assert sum(min(film.width, film.height) < 224 for film in real.films) == 41
    assert {(film.width, film.height) for film in KERMANY.read(REAL / "chest_xray").films} == {(224, 224)}


# Forms of arrival


@pytest.mark.parametrize("around", ["", "chest_xray", "archive/chest_xray", "kaggle/versions/2/chest_xray"])
def test_root_is_found_up_to_four_folders_down(tmp_path, around):
    make_tree(tmp_path / around)
    dataset = KERMANY.read(tmp_path)
    assert dataset.root == tmp_path / around
    assert ids(dataset) == sorted(FILMS)


def test_litter_and_the_second_copy_are_no_films(tmp_path):
    make_tree(tmp_path / "chest_xray")
    make_tree(tmp_path / "chest_xray/chest_xray")
    make_tree(tmp_path / "chest_xray/__MACOSX/chest_xray")
    make_tree(tmp_path / "__MACOSX")
    for litter in (".DS_Store", "._IM-0115-0001.jpeg", "Thumbs.db", ".hidden.png"):
        (tmp_path / "chest_xray/train/NORMAL" / litter).write_bytes(b"\0")
    assert ids(KERMANY.read(tmp_path)) == sorted(FILMS)


def left_out(path):
    return {(one.noun, one.reason): (one.count, one.example) for one in KERMANY.list_films(path).left_out}


def test_what_is_no_film_is_counted(tmp_path):
    make_tree(tmp_path, [*FILMS, "chest_xray/train/NORMAL/IM-0115-0001.jpeg"])
    for name in ("a.jp2", "b.JP2", "scan.gif", "noextension", "deep/er/c.jpeg", "deep/d.jpeg"):
        path = tmp_path / "train/NORMAL" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0")
    for place in ("train/covid/e.jpeg", "test/covid/f.jpeg", "val/loose.png", "README.md"):
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0")
    os.mkfifo(tmp_path / "test/NORMAL/IM-0009-0001.jpeg")
    assert left_out(tmp_path) == {
        ("file", "with the extension .jp2"): (2, "train/NORMAL/a.jp2"),
        ("file", "with the extension .gif"): (1, "train/NORMAL/scan.gif"),
        ("file", "without an extension"): (1, "train/NORMAL/noextension"),
        ("file", "in a subfolder of a class"): (2, "train/NORMAL/deep/d.jpeg"),
        ("file", "in the folder covid, which needs --classes"): (2, "test/covid/f.jpeg"),
        ("file", "beside the class folders"): (1, "val/loose.png"),
        ("file", "beside train and test"): (1, "README.md"),
        ("folder", "beside train and test"): (1, "chest_xray"),
        ("named pipe", ""): (1, "test/NORMAL/IM-0009-0001.jpeg"),
    }
    assert ids(KERMANY.read(tmp_path)) == sorted(FILMS)


def test_nothing_is_left_out_of_the_set_as_it_arrives(tmp_path):
    make_tree(tmp_path / "chest_xray")
    make_tree(tmp_path / "__MACOSX")
    assert left_out(tmp_path) == {}


def test_second_copy_can_be_given_itself(tmp_path):
    make_tree(tmp_path / "chest_xray")
    make_tree(tmp_path / "chest_xray/chest_xray")
    assert KERMANY.read(tmp_path / "chest_xray/chest_xray").root == tmp_path / "chest_xray/chest_xray"


@pytest.mark.parametrize("normal, pneumonia", [("Normal", "Pneumonia"), ("normal", "pneumonia")])
def test_class_folders_in_any_case_keep_their_names(tmp_path, normal, pneumonia):
    names = [film.replace("NORMAL/", f"{normal}/").replace("PNEUMONIA", pneumonia) for film in FILMS]
    dataset = KERMANY.read(make_tree(tmp_path, names))
    assert ids(dataset) == sorted(names)
    labels = {film.patient: film.label for film in dataset.films}
    assert labels["IM-0115"] == 0 and labels["bacteria-1"] == 1


def test_extensions_in_any_case(tmp_path):
    names = [
        film.replace(".jpeg", ext)
        for film, ext in zip(FILMS, (".JPEG", ".jpg", ".PNG", ".JPG") * 2, strict=True)
    ]
    assert ids(KERMANY.read(make_tree(tmp_path, names))) == sorted(names)


def test_mendeley_has_no_val(tmp_path):
    names = [film for film in FILMS if not film.startswith("val")]
    assert ids(KERMANY.read(make_tree(tmp_path, names))) == sorted(names)


def test_mendeley_eye_images_next_to_the_chest_films(tmp_path):
    make_tree(tmp_path / "chest_xray")
    make_tree(
        tmp_path / "OCT", ["train/NORMAL/NORMAL-1-1.jpeg", "train/CNV/CNV-1-1.jpeg", "test/NORMAL/a.jpeg"]
    )
    assert KERMANY.read(tmp_path).root == tmp_path / "chest_xray"


def test_val_counts_as_train(tmp_path):
    splits = {film.id: film.split for film in KERMANY.read(make_tree(tmp_path)).films}
    assert splits["val/NORMAL/NORMAL2-IM-1427-0001.jpeg"] == "train"
    assert splits["test/NORMAL/IM-0001-0001.jpeg"] == "test"


def test_other_films_in_the_same_folders_are_named_after_their_folder(tmp_path):
    dataset = KERMANY.read(make_tree(tmp_path / "my_films"))
    assert dataset.title == "my_films: 8 films"
    licence = KERMANY.describe_licence(dataset.films)
    assert licence == "not stated; films in the layout of kermany, not its 5,856 published ones"


@pytest.mark.parametrize(
    "stem, subtype, patient, series",
    [
        ("person23_bacteria_78", "bacteria", "bacteria-23", "bacteria"),
        ("person23_virus_56", "virus", "virus-23", "virus"),
        ("person447_virus_921_1", "virus", "virus-447", "virus"),
        ("PERSON1_Bacteria_1", "bacteria", "bacteria-1", "bacteria"),
        ("person1_bacteria_1 (1)", "bacteria", "bacteria-1", "bacteria"),
        ("IM-0095-0001", "normal", "IM-0095", "IM"),
        ("IM-0095-0001-0003", "normal", "IM-0095", "IM"),
        ("NORMAL2-IM-0095-0001", "normal", "NORMAL2-IM-0095", "NORMAL2-IM"),
        ("NORMAL2-IM-0095-0001-0002", "normal", "NORMAL2-IM-0095", "NORMAL2-IM"),
        ("NORMAL-28501-0001", "normal", "normal-28501", "NORMAL"),
        ("BACTERIA-1008087-0001", "bacteria", "bacteria-1008087", "bacteria"),
        ("VIRUS-1003-0002", "virus", "virus-1003", "virus"),
        ("film7", "", "", ""),
    ],
)
def test_names(stem, subtype, patient, series):
    film_id = f"train/CLASS/{stem}.jpeg"
    assert read_name(film_id)[:2] == (subtype, patient)
    assert source_series(film_id) == series


def test_unknown_names_are_patients_of_their_own(tmp_path):
    films = KERMANY.read(make_tree(tmp_path, [*FILMS, "train/NORMAL/a.png", "train/PNEUMONIA/b.png"])).films
    by_id = {film.id: (film.subtype, film.patient) for film in films}
    assert by_id["train/NORMAL/a.png"] == ("normal", "film:train/NORMAL/a.png")
    assert by_id["train/PNEUMONIA/b.png"] == ("pneumonia", "film:train/PNEUMONIA/b.png")


def test_count_differences_are_described(tmp_path):
    lines = KERMANY.count_differences(
        KERMANY.read(make_tree(tmp_path, [*FILMS, "train/PNEUMONIA/b.png"])).films
    )
    assert len(lines) == len(COUNTS) + 1
    assert lines[0] == "train: 3 instead of 1,349 normal films"
    assert lines[-1] == "train: 1 instead of 0 pneumonia films"


# Folders that cannot be used: one line that says what to do


def refused(path, **options):
    with pytest.raises(UserError) as caught:
        KERMANY.read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_no_folder(tmp_path):
    assert "python -m benchmarks.fetch kermany" in refused(tmp_path / "none")


def test_folder_without_the_set(tmp_path):
    assert "has no train and test folders; it needs" in refused(tmp_path)


def test_a_set_five_folders_down_is_not_found(tmp_path):
    make_tree(tmp_path / "home/me/downloads/films/chest_xray")
    assert "has no train and test folders" in refused(tmp_path)


@pytest.mark.parametrize("part", ["train", "train/NORMAL"])
def test_part_of_the_set(tmp_path, part):
    assert "give the folder that holds train and test" in refused(make_tree(tmp_path) / part)


@pytest.mark.parametrize("missing", ["test", "train", "test/NORMAL", "train/PNEUMONIA"])
def test_missing_folder_is_named(tmp_path, missing):
    make_tree(tmp_path, [film for film in FILMS if not film.startswith(missing)])
    assert f"has no {missing} folder" in refused(tmp_path)


def test_class_without_films(tmp_path):
    make_tree(tmp_path)
    (tmp_path / "test/NORMAL/IM-0001-0001.jpeg").rename(tmp_path / "test/NORMAL/IM-0001-0001.gif")
    assert f"{tmp_path / 'test' / 'NORMAL'} has no film of a known format" in refused(tmp_path)


def test_class_without_films_counts_what_lies_there_instead(tmp_path):
    make_tree(tmp_path)
    (tmp_path / "test/NORMAL/IM-0001-0001.jpeg").rename(tmp_path / "test/NORMAL/IM-0001-0001.gif")
    assert "(left out: 1 file with the extension .gif (test/NORMAL/IM-0001-0001.gif))" in refused(tmp_path)


def test_split_that_is_a_link_to_another_is_not_read_twice(tmp_path):
    make_tree(tmp_path, [film for film in FILMS if not film.startswith("test")])
    (tmp_path / "test").symlink_to("train")
    message = refused(tmp_path)
    assert "has no test/NORMAL and no test/PNEUMONIA folder" in message
    assert "1 folder listed before under another name (test)" in message


def test_two_sets(tmp_path):
    make_tree(tmp_path / "one")
    make_tree(tmp_path / "two")
    assert "contains several sets" in refused(tmp_path)


def test_film_in_the_wrong_class(tmp_path):
    make_tree(tmp_path, [*FILMS, "train/NORMAL/person2_bacteria_3.jpeg"])
    assert "1 of 9 films" in refused(tmp_path)
    assert "such as train/NORMAL/person2_bacteria_3.jpeg; move them" in refused(tmp_path)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "empty"),
        (encoded()[:30], "damaged header"),
        (encoded(".png")[:20], "damaged header"),
        (b"<html>not found</html>", "no image of a known format"),
        (b"\xff\xd8\xff\xd9" + bytes(20), "damaged header"),
        (b"\xff\xd8" + bytes(20), "damaged header"),
        (b"\xff\xd8\xff\xda\0\2" + encoded()[2:], "damaged header"),
    ],
)
def test_broken_films_are_named_and_counted(tmp_path, content, reason):
    make_tree(tmp_path)
    for film in FILMS[:5]:
        (tmp_path / film).write_bytes(content)
    message = refused(tmp_path)
    assert "5 of 8 films" in message and message.count(reason) == 3 and "and 2 more" in message
    assert "fetch the set again, or delete these files" in message


def test_dangling_link_is_a_broken_film(tmp_path):
    make_tree(tmp_path)
    (tmp_path / "train/NORMAL/IM-9-0001.jpeg").symlink_to(tmp_path / "nowhere")
    assert "train/NORMAL/IM-9-0001.jpeg (No such file or directory)" in refused(tmp_path)


# Headers, sizes and the index


def test_films_of_every_image_format_are_taken_in_this_layout(tmp_path):
    make_tree(tmp_path)
    for number, extension in enumerate((".jfif", ".tif", ".bmp", ".webp", ".PNG")):
        content = encoded({".jfif": ".jpeg", ".PNG": ".png"}.get(extension, extension), 24, 18)
        (tmp_path / f"train/NORMAL/IM-88{number}-0001{extension}").write_bytes(content)
    dataset = KERMANY.read(tmp_path)
    assert len(dataset.films) == len(FILMS) + 5
    assert all(dataset.decode(film.id).shape == (film.height, film.width) for film in dataset.films)
