"""ChestX-ray14: tasks, published lists, covariates, boxes, and what is left out."""

import shutil

import numpy as np
import pytest

from pneumo_tf.data.datasets.nih import NIH, open_masks
from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.errors import UserError
from tests.data.datasets.nih_folder import findings_of, names, write_nih


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_nih(tmp_path_factory.mktemp("nih") / "nih")


@pytest.fixture
def root(written, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(written, tmp_path / "nih")


def note(dataset, word):
    (found,) = (note for note in dataset.notes if word in note)
    return found


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def by_name(films):
    return {film.id.rpartition("/")[2]: film for film in films}


def test_pneumonia_is_compared_with_no_finding(written):
    dataset = NIH.read(written)
    labels = {name: film.label for name, film in by_name(dataset.films).items()}
    findings = {name: findings_of(number) for number, name in enumerate(names())}
    expected = {name: "Pneumonia" in found for name, found in findings.items() if found != "Effusion"}
    assert labels == expected
    assert note(dataset, "Task") == (
        "Task pneumonia-vs-no-finding: 40 films with pneumonia among the findings against 20 without a "
        "finding; films with other findings are left out."
    )
    assert "20 films with other findings than pneumonia" in note(dataset, "Left out")


def test_pneumonia_is_compared_with_all(written):
    dataset = NIH.read(written, options=ReadingOptions(task="pneumonia-vs-all"))
    assert len(dataset.films) == 80 and sum(dataset.films.labels) == 40
    assert {film.subtype for film in dataset.films if not film.label} == {"normal", "other finding"}


def test_patients_and_covariates_are_those_of_the_table(written):
    dataset = NIH.read(written)
    films = by_name(dataset.films)
    for number, name in enumerate(names()):
        if name in films:
            film_id = films[name].id
            assert films[name].patient == str(number // 2 + 1)
            assert dataset.films.covariates["age"][film_id] == str(30 + number)
            assert dataset.films.covariates["sex"][film_id] == "FM"[number % 2]
            assert dataset.films.covariates["view"][film_id] == ("PA", "AP")[number % 2]


def test_published_lists_give_the_split(written):
    dataset = NIH.read(written)
    tested = {name for name, film in by_name(dataset.films).items() if film.split == "test"}
    assert tested == set(names()[-16:]) & set(by_name(dataset.films))
    with pytest.raises(UserError, match="the test films are stated in test_list.txt; leave out --test"):
        NIH.read(written, options=ReadingOptions(test=0.3))


def test_without_lists_test_patients_are_sampled(root):
    (root / "train_val_list.txt").unlink()
    with pytest.raises(UserError, match="has test_list.txt and no train_val_list.txt"):
        NIH.read(root)
    (root / "test_list.txt").unlink()
    dataset = NIH.read(root, options=ReadingOptions(test=0.3))
    sides = {split: {f.patient for f in dataset.films if f.split == split} for split in ("train", "test")}
    assert not sides["train"] & sides["test"]
    assert [film.split for film in dataset.films].count("test") == 6 + 12


def test_lists_that_share_a_film_are_refused(root):
    with (root / "test_list.txt").open("a") as file:
        file.write(names()[0])
    with pytest.raises(UserError, match=f"{names()[0]} is in train_val_list.txt and in test_list.txt"):
        NIH.read(root)


def test_films_and_lines_that_do_not_fit_are_counted(root):
    (root / f"images_001/images/{names()[0]}").unlink()
    film = root / f"images_002/images/{names()[1]}"
    shutil.copy(film, root / "images_001/images")
    shutil.copy(film, root / "images_001/images/00009999_000.png")
    rewrite(root / "train_val_list.txt", f"{names()[2]}\n", "")
    line = note(NIH.read(root), "Left out")
    assert f"1 line of a film that does not exist ({names()[0]})" in line
    assert "1 film with the name of another film" in line
    assert "1 film that the table does not list (images_001/images/00009999_000.png)" in line
    assert f"1 film in neither train_val_list.txt nor test_list.txt (images_001/images/{names()[2]})" in line


def test_boxes_of_pneumonia_become_masks(written):
    mask_of = open_masks(written, "masks")
    boxed = next(film for film in NIH.read(written).films if film.label)
    mask = mask_of(boxed.id)
    expected = np.zeros((boxed.height, boxed.width), bool)
    expected[6:12, round(boxed.width / 8) : round(boxed.width * 5 / 8)] = True
    assert ((mask == 255) == expected).all()
    assert mask_of(f"images_001/images/{names()[0]}") is None
    assert open_masks(written, "lungs") is None


def test_without_boxes_there_are_no_masks(root):
    (root / "BBox_List_2017.csv").unlink()
    assert open_masks(root, "masks") is None


@pytest.mark.parametrize("age, expected", [("058Y", "58"), ("58", "58"), ("007M", None), ("", None)])
def test_ages(root, age, expected):
    rewrite(root / "Data_Entry_2017.csv", ",030Y,", f",{age},")
    dataset = NIH.read(root)
    assert dataset.films.covariates["age"].get(f"images_001/images/{names()[0]}") == expected


def test_the_newest_of_two_tables_is_read(root):
    text = (root / "Data_Entry_2017.csv").read_text()
    (root / "Data_Entry_2017_v2020.csv").write_text(text.replace("Infiltration|Pneumonia", "Infiltration"))
    assert sum(NIH.read(root).films.labels) == 20


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("Patient ID", "Patient", "has no column 'patient id'"),
        (f"{names()[1]},", f"{names()[0]},", f"line 3: {names()[0]} is listed a second time"),
        (f"{names()[0]},", ",", "line 2: there is no Image Index or no Patient ID"),
    ],
)
def test_a_wrong_table_is_refused(root, old, new, message):
    rewrite(root / "Data_Entry_2017.csv", old, new)
    with pytest.raises(UserError, match=message):
        NIH.read(root)


def test_an_unknown_task_is_refused_with_the_nearest(written):
    with pytest.raises(UserError, match="did you mean 'pneumonia-vs-all'"):
        NIH.read(written, options=ReadingOptions(task="pneumonia-vs-al"))


def test_a_table_without_films_is_refused(root):
    shutil.rmtree(root / "images_001")
    shutil.rmtree(root / "images_002")
    with pytest.raises(UserError, match=r"has no film of Data_Entry_2017.csv with pneumonia or without"):
        NIH.read(root)
