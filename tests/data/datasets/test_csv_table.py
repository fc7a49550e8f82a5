"""Films of a CSV: what is taken from it, and what is refused in one line."""

import re
from pathlib import Path

import pytest

from pneumo_tf.data.datasets import csv_lines
from pneumo_tf.data.datasets.csv_table import CSV_TABLE
from pneumo_tf.data.datasets.reading_options import ReadingOptions, parse_classes, parse_patient
from pneumo_tf.errors import UserError
from tests.data.datasets.small_films import write_films

NAMES = [f"films/{number:02}.png" for number in range(40)]


def write_table(root, header, lines, name="list.csv", encoding="utf-8"):
    write_films(root, NAMES)
    (root / name).write_bytes("\n".join([header, *lines, ""]).encode(encoding))
    return root / name


def simple_lines():
    return [f"{name},{('normal', 'pneumonia')[number % 2]}" for number, name in enumerate(NAMES)]


def test_every_column_reaches_the_film_table(tmp_path):
    lines = [
        f"{name};{number % 2};P{number // 2};{'test' if number < 8 else 'val' if number < 12 else 'train'};"
        f"{'virus' if number % 2 else ''};{number};{'F' if number % 3 else ''}"
        for number, name in enumerate(NAMES)
    ]
    table = write_table(tmp_path, "Path;LABEL;Patient;split;subtype;age;sex", lines, encoding="utf-8-sig")
    dataset = CSV_TABLE.read(table)
    films = dataset.films
    assert [film.id for film in films] == NAMES and dataset.root == tmp_path
    assert films.labels.tolist() == [0, 1] * 20
    assert [film.subtype for film in films.rows[:4]] == ["normal", "virus", "normal", "virus"]
    assert [film.patient for film in films.rows[:4]] == ["P0", "P0", "P1", "P1"]
    assert [film.split for film in films] == ["test"] * 8 + ["train"] * 32
    assert films.column("age")[:3] == ("0", "1", "2") and films.column("sex")[:4] == ("", "F", "F", "")
    frame = films.to_frame()
    assert frame["age"].tolist() == list(range(40)) and frame["sex"].isna().sum() == 14
    assert dataset.notes == () and dataset.title == "list.csv: 40 films"


def test_films_without_a_split_are_sampled_by_patient(tmp_path):
    lines = [f"{line},P{number // 4}-{number % 2}" for number, line in enumerate(simple_lines())]
    table = write_table(tmp_path, "path,label,patient", lines)
    dataset = CSV_TABLE.read(table, options=ReadingOptions(test=0.3))
    tested = {film.patient for film in dataset.films if film.split == "test"}
    assert len(tested) == 6 and tested.isdisjoint(f.patient for f in dataset.films if f.split == "train")
    for label in (0, 1):
        assert sum(film.split == "test" and film.label == label for film in dataset.films) == 6
    (note,) = dataset.notes
    assert note.startswith("The films have no stated test set: 30 % of each subtype were sampled")
    again = CSV_TABLE.read(table, options=ReadingOptions(test=0.3)).films
    assert again.fingerprint == dataset.films.fingerprint
    more = {
        f.patient for f in CSV_TABLE.read(table, options=ReadingOptions(test=0.5)).films if f.split == "test"
    }
    assert tested < more


def test_patients_come_from_the_expression_then_the_table_and_are_unknown_otherwise(tmp_path):
    lines = [f"{line},{'P1' if number < 20 else ''}" for number, line in enumerate(simple_lines())]
    table = write_table(tmp_path, "path,label,patient", lines)
    dataset = CSV_TABLE.read(table)
    assert dataset.films.rows[0].patient == "P1" and dataset.films.rows[39].patient == "film:films/39.png"
    assert dataset.films.unknown_patients == 20
    assert dataset.notes[-1].startswith("The patients of 20 of 40 films are unknown: each")
    by_name = CSV_TABLE.read(table, options=ReadingOptions(patient=parse_patient(r"/(\d)")))
    assert by_name.films.rows[39].patient == "3" and by_name.films.unknown_patients == 0
    none = CSV_TABLE.read(write_table(tmp_path / "none", "path,label", simple_lines()))
    assert none.notes[-1].startswith("Patients unknown: every film counts as one patient")


def test_other_labels_need_their_classes(tmp_path):
    lines = [f"{name},{('No Finding', 'COVID', 'other')[number % 3]}" for number, name in enumerate(NAMES)]
    table = write_table(tmp_path, "path,label", lines)
    with pytest.raises(
        UserError, match=re.escape("--classes 'normal=No Finding,pneumonia=NAME' (found: No ")
    ):
        CSV_TABLE.read(table)
    dataset = CSV_TABLE.read(
        table, options=ReadingOptions(classes=parse_classes("normal=no finding,pneumonia=covid"))
    )
    assert len(dataset.films) == 27 and dataset.films.labels.sum() == 13
    assert "with a label that --classes does not name are left out: 13 of other." in " ".join(dataset.notes)


def test_a_table_is_parsed_once(tmp_path, monkeypatch):
    parsed = []
    read = csv_lines.read_cells
    monkeypatch.setattr(csv_lines, "read_cells", lambda path: parsed.append(path) or read(path))
    table = write_table(tmp_path, "path,label", simple_lines())
    CSV_TABLE.read(table)
    assert parsed == [table]


def test_films_may_lie_elsewhere(tmp_path):
    table = write_table(
        tmp_path / "images", "path,label", [line.removeprefix("films/") for line in simple_lines()]
    )
    moved = tmp_path / "tables" / "mine.csv"
    moved.parent.mkdir()
    table.rename(moved)
    with pytest.raises(UserError, match=r"40 of 40 films of .*mine.csv are not in .*tables, such as 00.png"):
        CSV_TABLE.read(moved)
    dataset = CSV_TABLE.read(moved, options=ReadingOptions(images=tmp_path / "images/films"))
    assert [film.id for film in dataset.films] == [Path(name).name for name in NAMES]


def test_whole_paths_under_the_folder_are_taken(tmp_path):
    lines = [f"{tmp_path}/{line}" for line in simple_lines()]
    assert [f.id for f in CSV_TABLE.read(write_table(tmp_path, "path,label", lines)).films] == NAMES


@pytest.mark.parametrize(
    "header, changed, line, reason",
    [
        ("path,label", 3, "films/03.png", "line 5: 1 cells under 2 columns"),
        ("path,label", 3, "films/03.png,normal,7", "line 5: 3 cells under 2 columns"),
        ("path,label", 3, "films/02.png,normal", "line 5: films/02.png is listed a second time"),
        ("path,label", 3, "../03.png,normal", "line 5: '../03.png' is not a path in"),
        ("path,label", 3, "/etc/passwd,normal", "line 5: '/etc/passwd' is not a path in"),
        ("path,label", 3, ",normal", "line 5: '' is not a path in"),
        (
            "path,label",
            3,
            "films/gone.png,normal",
            "1 of 40 films of .* are not in .*, such as films/gone.png",
        ),
        ("path,label", 3, "films,normal", "1 of 40 films of .* are not in .*, such as films;"),
        ("path,label", 3, 'films/03.png,"normal', "line 4.: "),
        ("path,label,label", None, None, "has two columns 'label'"),
        ("path,split", None, None, "has no column 'label' .columns: path, split"),
        ("file,label", None, None, "has no column 'path' .columns: file, label"),
    ],
)
def test_a_wrong_table_is_refused_with_the_line(tmp_path, header, changed, line, reason):
    lines = simple_lines()
    if changed is not None:
        lines[changed] = line
    with pytest.raises(UserError, match=reason):
        CSV_TABLE.read(write_table(tmp_path, header, lines))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"path,label\n", b"path,label\n\n,\n"])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"list\.csv"):
        CSV_TABLE.read(tmp_path / "list.csv")


def test_a_wrong_split_is_refused(tmp_path):
    lines = [f"{line},{'held' if number == 3 else 'train'}" for number, line in enumerate(simple_lines())]
    table = write_table(tmp_path, "path,label,split", lines)
    with pytest.raises(UserError, match="line 5: the split 'held' is not train, val or test"):
        CSV_TABLE.read(table)


def test_a_stated_split_and_a_fraction_contradict_each_other(tmp_path):
    lines = [f"{line},{'test' if number < 8 else 'train'}" for number, line in enumerate(simple_lines())]
    table = write_table(tmp_path, "path,label,split", lines)
    with pytest.raises(UserError, match="stated in the column split of list.csv; leave out --test"):
        CSV_TABLE.read(table, options=ReadingOptions(test=0.3))


def test_a_folder_with_one_table_stands_for_it(tmp_path):
    write_table(tmp_path, "path,label", simple_lines())
    (tmp_path / "boxes.csv").write_text("path,x,y,width,height\n")
    assert not CSV_TABLE.lacks(tmp_path) and len(CSV_TABLE.read(tmp_path).films) == 40
    (tmp_path / "second.csv").write_text("path,label\n")
    assert "several CSV files of films; name one" in CSV_TABLE.lacks(tmp_path)
