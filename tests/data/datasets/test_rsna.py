"""The RSNA challenge: tasks, patients, boxes, what is left out, and the published tables."""

import csv
import gzip
import json

import numpy as np
import pytest

from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.data.datasets.rsna import RSNA, describe_classes, open_masks, read_tables
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.errors import UserError
from tests.conftest import SHARED
from tests.data.datasets import rsna_folder
from tests.data.datasets.rsna_folder import FILMS, films, write_rsna, write_tables

MAPPING = "pneumonia-challenge-dataset-mappings_2018"

NORMAL_ONLY = ReadingOptions(task="opacity-vs-normal")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_rsna(tmp_path_factory.mktemp("rsna") / "rsna")


@pytest.fixture
def tables(tmp_path, root):
    """A folder with films of its own tables, which a test may change."""
    (tmp_path / FILMS).symlink_to(root / FILMS)
    write_tables(tmp_path, films())
    return tmp_path


def note(dataset, word):
    (found,) = (note for note in dataset.notes if word in note)
    return found


def write_mapping(folder, kind, named):
    entries = [{"subset_img_id": image, "img_id": name, "subset_group": "train"} for image, name in named]
    if kind == "json":
        (folder / f"{MAPPING}.json").write_text(json.dumps(entries))
        return
    with (folder / f"{MAPPING}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["subset_img_id", "img_id", "subset_group"])
        writer.writeheader()
        writer.writerows(entries)


# Films


def test_films_have_the_labels_of_the_table_and_the_fields_of_their_headers(root):
    dataset = RSNA.read(root)
    rows = {film.id: film for film in dataset.films}
    ages, sexes, views = (dataset.films.covariates[name] for name in ("age", "sex", "view"))
    assert len(rows) == 45
    for film in films():
        film_id = f"{FILMS}/{film.image}.dcm"
        assert rows[film_id].label == bool(film.boxes)
        assert (ages[film_id], sexes[film_id], views[film_id]) == (film.age, film.sex, film.view)
    assert set(dataset.films.covariates) == {"age", "sex", "view"}


def test_subtypes_are_the_classes_of_the_table(root):
    subtypes = {"Normal": "normal", "No Lung Opacity / Not Normal": "not normal", "Lung Opacity": "opacity"}
    found = {film.id: film.subtype for film in RSNA.read(root).films}
    for film in films()[:-1]:
        assert found[f"{FILMS}/{film.image}.dcm"] == subtypes[film.finding]


def test_test_films_are_sampled_in_proportion(root):
    dataset = RSNA.read(root, options=ReadingOptions(test=0.4))
    tested = [film.subtype for film in dataset.films if film.split == "test"]
    assert {subtype: tested.count(subtype) for subtype in tested} == {
        "normal": 6,
        "not normal": 6,
        "opacity": 6,
    }
    assert "40 % of each subtype" in note(dataset, "no stated test set")
    assert PROTOCOLS["official"].split(dataset.films, None).test


def test_a_folder_above_and_gzipped_tables_are_read(tables):
    for name in ("stage_2_train_labels.csv", "stage_2_detailed_class_info.csv"):
        with gzip.open(tables / f"{name}.gz", "wb") as file:
            file.write((tables / name).read_bytes())
        (tables / name).unlink()
    assert len(RSNA.read(tables.parent).films) == 45


# Tasks


def test_the_task_is_stated_on_the_board(root):
    dataset = RSNA.read(root)
    assert note(dataset, "Task").startswith(
        "Task opacity-vs-all: 15 films with an opacity against others, 15 normal, 15 not normal."
    )


def test_opacity_vs_normal_leaves_out_films_that_are_not_normal(root):
    dataset = RSNA.read(root, options=NORMAL_ONLY)
    assert {film.subtype for film in dataset.films} == {"normal", "opacity"} and len(dataset.films) == 30
    assert note(dataset, "Task").startswith(
        "Task opacity-vs-normal: 15 films with an opacity against others, 15 normal."
    )
    assert "15 films without an opacity, yet not normal" in note(dataset, "Left out")


def test_films_without_a_class_are_counted_and_named(tables):
    made = films()
    write_tables(tables, [film._replace(finding="") if film is made[0] else film for film in made])
    dataset = RSNA.read(tables)
    assert note(dataset, "have no class") == (
        f"2 of 45 images have no class in stage_2_detailed_class_info.csv, such as {made[0].image}: "
        "1 with an opacity by their label and 1 without."
    )
    assert [film.subtype for film in dataset.films][0] == "no opacity"
    kept = RSNA.read(tables, options=NORMAL_ONLY)
    assert f"1 film without a class ({FILMS}/{made[0].image}.dcm)" in note(kept, "Left out")
    assert len(kept.films) == 29 and sum(kept.films.labels) == 15


def test_opacity_vs_normal_needs_classes(tables):
    (tables / "stage_2_detailed_class_info.csv").unlink()
    assert "which of the films without an opacity are normal is unknown" in note(
        RSNA.read(tables), "There is no"
    )
    with pytest.raises(UserError, match="--task opacity-vs-normal needs stage_2_detailed_class_info.csv"):
        RSNA.read(tables, options=NORMAL_ONLY)


def test_an_unknown_task_is_refused_with_the_nearest(root):
    with pytest.raises(UserError, match="did you mean 'opacity-vs-normal'"):
        RSNA.read(root, options=ReadingOptions(task="opacity-vs-norma"))


# Patients


def test_the_image_id_is_no_patient(root):
    dataset = RSNA.read(root)
    assert dataset.films.unknown_patients == 45
    assert "patientId identifies an image" in note(dataset, "patientId")


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_patients_are_those_of_the_nih(tables, kind):
    named = [(film.image, f"{number // 3:08}_{number:03}.png") for number, film in enumerate(films())]
    write_mapping(tables, kind, named[:-1])
    dataset = RSNA.read(tables)
    assert [film.patient for film in dataset.films][:7] == ["00000000"] * 3 + ["00000001"] * 3 + ["00000002"]
    assert dataset.films.unknown_patients == 1
    assert not any("patientId" in note for note in dataset.notes)
    assert "The patients of 1 of 45 films are unknown" in note(dataset, "unknown")
    split = PROTOCOLS["official"].split(dataset.films, None)
    patients = {film.id: film.patient for film in dataset.films}
    assert not {patients[id_] for id_ in split.train} & {patients[id_] for id_ in split.test}


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "is not JSON text"),
        ("{}", "is not a list of films"),
        ('[{"img_id": "00000001_000.png"}]', "entry 1: subset_img_id or img_id is missing"),
        ('[{"img_id": "x.png", "subset_img_id": "a"}]', "entry 1: 'x.png' is not an NIH film"),
    ],
)
def test_a_wrong_mapping_is_refused(tables, text, message):
    (tables / f"{MAPPING}.json").write_text(text)
    with pytest.raises(UserError, match=message):
        RSNA.read(tables)


# Boxes


def test_boxes_become_masks_of_the_film(root):
    mask_of = open_masks(root, "masks")
    film = next(film for film in films() if len(film.boxes) == 2)
    mask = mask_of(f"{FILMS}/{film.image}.dcm")
    expected = np.zeros((64, 64), bool)
    for left, top, width, height in np.array(film.boxes) / 16:
        expected[round(top) : round(top + height), round(left) : round(left + width)] = True
    assert mask.dtype == np.uint8 and ((mask == 255) == expected).all()
    assert mask_of(f"{FILMS}/{films()[0].image}.dcm") is None
    assert open_masks(root, "lungs") is None


# What does not fit


def test_labels_without_films_and_films_without_labels_are_left_out_and_counted(tmp_path):
    made = films()
    write_rsna(tmp_path, made[:40], side=16)
    write_tables(tmp_path, made[1:])
    (tmp_path / FILMS / "readme.txt").write_text("x")
    (tmp_path / "stage_2_test_images").mkdir()
    dataset = RSNA.read(tmp_path)
    assert len(dataset.films) == 39
    line = note(dataset, "Left out")
    assert f"5 labels without a film (such as {made[40].image})" in line
    assert f"1 film without a label ({FILMS}/{made[0].image}.dcm)" in line
    assert "1 file with the extension .txt" in line
    assert "1 folder of films without published labels (stage_2_test_images)" in line


@pytest.mark.parametrize(
    "line, message",
    [
        ("a,,,,,2", "Target is '2', not 0 or 1"),
        ("a,,,,,1", "a box is expected where Target is 1, and only there"),
        ("a,1,2,3,4,0", "a box is expected where Target is 1, and only there"),
        ("a,1,2,3,x,1", "1, 2, 3, x is not a box"),
        ("a,1,nan,3,4,1", "the box 1, nan, 3, 4 does not lie on a film of sides 1024"),
        ("a,900,2,300,4,1", "the box 900, 2, 300, 4 does not lie on a film of sides 1024"),
        ("a,,,,,0\na,1,2,3,4,1", "a has Target 0 in one line and 1 in another"),
        ("a,,,,0", "5 cells under 6 columns"),
    ],
)
def test_wrong_lines_of_labels_are_refused_with_their_place(tables, line, message):
    (tables / "stage_2_train_labels.csv").write_text(f"patientId,x,y,width,height,Target\n{line}\n")
    with pytest.raises(UserError, match=rf"stage_2_train_labels.csv, line \d: {message}"):
        RSNA.read(tables)


@pytest.mark.parametrize(
    "line, message",
    [
        (f"{films()[0].image},Cloudy", "line 2: unknown class 'Cloudy'"),
        (
            f"{films()[0].image},Normal\n{films()[0].image},Lung Opacity",
            "has another class in an earlier line",
        ),
        (f"{films()[0].image},Lung Opacity", "contradicts stage_2_train_labels.csv for 1 images"),
    ],
)
def test_wrong_classes_are_refused(tables, line, message):
    (tables / "stage_2_detailed_class_info.csv").write_text(f"patientId,class\n{line}\n")
    with pytest.raises(UserError, match=message):
        RSNA.read(tables)


def test_a_folder_without_films_is_refused(tmp_path):
    write_tables(tmp_path, films())
    with pytest.raises(UserError, match="has no folder stage_2_train_images"):
        RSNA.read(tmp_path)
    (tmp_path / FILMS).mkdir()
    with pytest.raises(UserError, match="has no .dcm film that stage_2_train_labels.csv has a label for"):
        RSNA.read(tmp_path)


# The published tables


@pytest.fixture(scope="module")
def published():
    folder = SHARED / "data" / "rsna"
    if not folder.is_dir():
        pytest.skip(f"no published tables in {folder}")
    return folder


def test_published_tables(published):
    tables = read_tables(published)
    assert len(tables.labels) == 26_684
    assert sum(label.target for label in tables.labels.values()) == 6_012
    assert sum(len(label.boxes) for label in tables.labels.values()) == 9_555
    assert sum(RSNA.counts.values()) == 26_684
    (line,) = describe_classes(tables, tables.labels)
    assert line.startswith("79 of 26,684 images have no class in stage_2_detailed_class_info.csv, such as ")
    assert line.endswith(": 12 with an opacity by their label and 67 without.")


def test_tables_read_as_a_second_reader_reads_them(published):
    tables = read_tables(published)
    for film in rsna_folder.published_films(published):
        boxes = np.array(tables.labels[film.image].boxes).reshape(-1, 4) * 1024
        assert np.allclose(boxes, np.array(film.boxes).reshape(-1, 4))
