"""Folders of classes in any names, with and without a test folder."""

import pytest

from pneumo_tf.data.datasets.class_folders import CLASS_FOLDERS
from pneumo_tf.data.datasets.reading_options import ReadingOptions, parse_classes, parse_patient
from pneumo_tf.data.datasets.registry import recognise
from pneumo_tf.errors import UserError
from tests.data.datasets.small_films import write_films

COVID = ReadingOptions(classes=parse_classes("normal=healthy,pneumonia=covid,pneumonia=viral"))


def names(*folders, count=10):
    return [f"{folder}/{number:02}.png" for folder in folders for number in range(count)]


def test_names_of_classes_are_asked_for_with_the_line_to_type(tmp_path):
    write_films(tmp_path, names("covid", "normal"))
    assert recognise(tmp_path) is CLASS_FOLDERS
    advice = (
        r"add --classes 'normal=normal,pneumonia=covid' \(found: covid \(10 films\), normal \(10 films\)\)"
    )
    with pytest.raises(UserError, match=advice):
        CLASS_FOLDERS.read(tmp_path)


def test_several_folders_make_a_class_and_others_are_left_out(tmp_path):
    write_films(tmp_path, [*names("healthy", "covid", "viral", "tuberculosis"), "stray.png"])
    (tmp_path / "covid/notes.txt").write_text("x")
    dataset = CLASS_FOLDERS.read(tmp_path, options=COVID)
    assert len(dataset.films) == 30 and dataset.films.labels.sum() == 20
    assert {film.subtype for film in dataset.films} == {"normal", "pneumonia"}
    stated = "Classes by --classes: normal stands for healthy; pneumonia stands for covid and viral."
    assert dataset.notes[0] == stated
    left_out = dataset.notes[-1]
    assert (
        "10 films in the folder tuberculosis, which is not a class (such as tuberculosis/00.png)" in left_out
    )
    assert "1 film in no class folder (stray.png)" in left_out
    assert "1 file with the extension .txt (covid/notes.txt)" in left_out


def test_usual_names_need_no_option_and_equal_stems_are_no_leak(tmp_path):
    write_films(tmp_path, names("Normal", "PNEUMONIA"))
    dataset = CLASS_FOLDERS.read(tmp_path)
    assert dataset.films.unknown_patients == 20 == len({film.patient for film in dataset.films})
    assert sum(film.split == "test" for film in dataset.films) == 4


def test_split_folders_are_kept(tmp_path):
    write_films(
        tmp_path, names("train/healthy", "train/covid", "val/covid", "Test/healthy", "Test/covid", count=5)
    )
    dataset = CLASS_FOLDERS.read(tmp_path, options=COVID)
    assert {film.id.split("/")[0]: film.split for film in dataset.films} == {
        "train": "train",
        "val": "train",
        "Test": "test",
    }
    with pytest.raises(UserError, match="leave out --test"):
        CLASS_FOLDERS.read(tmp_path, options=ReadingOptions(classes=COVID.classes, test=0.2))


def test_classes_are_found_below_a_single_folder(tmp_path):
    write_films(tmp_path, names("download/films/healthy", "download/films/covid"))
    dataset = CLASS_FOLDERS.read(tmp_path, options=COVID)
    assert dataset.root == tmp_path / "download/films" and dataset.films.rows[0].id == "covid/00.png"


def test_films_below_a_class_folder_are_of_that_class(tmp_path):
    write_films(tmp_path, names("healthy/P1", "healthy/P2", "covid/P3", "covid/P4"))
    options = ReadingOptions(classes=COVID.classes, patient=parse_patient(r"/(P\d)/"), test=0.5)
    films = CLASS_FOLDERS.read(tmp_path, options=options).films
    assert {film.patient: film.label for film in films} == {"P1": 0, "P2": 0, "P3": 1, "P4": 1}
    assert sum(film.split == "test" for film in films) == 20


def test_a_class_without_films_is_refused(tmp_path):
    write_films(tmp_path, names("healthy", "ill"))
    reason = r"none in a folder covid or viral \(found: healthy \(10 films\), ill \(10 films\)\)"
    with pytest.raises(UserError, match=f"has no film of pneumonia: there is {reason}"):
        CLASS_FOLDERS.read(tmp_path, options=COVID)


def test_one_folder_is_no_set_of_classes(tmp_path):
    write_films(tmp_path, names("healthy"))
    with pytest.raises(UserError, match="there are fewer than two folders with films"):
        recognise(tmp_path)
