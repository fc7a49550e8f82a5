"""Boards of films as people have them: patients not known, subtypes of other names, test films sampled."""

import json
import re
from dataclasses import replace

import pytest

from pneumo_tf.data.datasets.class_folders import CLASS_FOLDERS
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Films, unknown_patient
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.registry import FIGURES
from pneumo_tf.report.page import NOT_A_DEVICE, write_leaderboard
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.each_class import each_class_table
from tests.report.fabricate import RECIPES, fabricate_films, fabricate_runs

NOTE = "Patients unknown: every film counts as one patient; films of one person may be divided."
ABOUT_NO_STATISTIC = (NOTE, NOT_A_DEVICE, "the air around the patient", "patients unknown")


def board_of(tmp_path, films):
    """Write every page of a board of class folders; return the board."""
    dataset = Dataset(CLASS_FOLDERS, "own: 640 films", None, films, notes=(NOTE,))
    runs = fabricate_runs(tmp_path / "runs", RECIPES[2:], protocol="official", dataset=dataset)
    fabricate_runs(tmp_path / "runs", RECIPES[2:3], protocol="cv5", dataset=dataset, flawed=False)
    boards = read_boards(runs)
    write_leaderboard(boards, tmp_path / "report")
    (board,) = boards
    return board


def texts_of_pictures(board):
    """Yield captions, notes and every text drawn, of every figure."""
    with style.applied():
        for entry in FIGURES.values():
            for picture in entry.draw(board):
                yield picture.caption
                yield picture.note
                yield from (text.get_text() for text in picture.figure.findobj(match=has_text))


def has_text(artist):
    return hasattr(artist, "get_text")


@pytest.fixture(scope="module")
def without_patients(tmp_path_factory):
    films = (film._replace(patient=unknown_patient(film.id)) for film in fabricate_films())
    place = tmp_path_factory.mktemp("board")
    return place / "report", board_of(place, Films(tuple(films)))


def test_without_patients_no_page_speaks_of_them(without_patients):
    report, _ = without_patients
    for page in ("leaderboard.md", "leaderboard.json", "explanations.md"):
        text = (report / page).read_text("utf-8")
        for allowed in ABOUT_NO_STATISTIC:
            text = text.replace(allowed, "")
        found = re.findall(r".*patient.*", text, re.IGNORECASE)
        assert all("| Patients |" in line or "test_patients" in line for line in found), found


def test_without_patients_no_picture_speaks_of_them(without_patients):
    texts = list(texts_of_pictures(without_patients[1]))
    assert any("resample films" in text for text in texts)
    found = [text for text in texts if "patient" in text.lower()]
    assert all(text.endswith("patients unknown") for text in found), found


def test_without_patients_what_is_resampled_is_films(without_patients):
    text = (without_patients[0] / "leaderboard.md").read_text("utf-8")
    assert "replicates, which resample films within each class" in text
    assert "Significant: paired by film (Obuchowski 1997)" in text
    assert f"- {NOTE}" in text
    assert re.search(r"\| training set \| 480 \| – \|", text)


def test_without_patients_exports_have_no_number_of_them(without_patients):
    report, board = without_patients
    exported = json.loads((report / "leaderboard.json").read_text("utf-8"))
    assert exported["interval"]["method"] == "score interval, variance over resampled films and over seeds"
    assert {row["test_patients"] for row in exported["boards"][0]["rows"]} == {None}
    assert board.to_frame()["patients"].isna().all()


def test_subtypes_that_no_film_has_are_no_columns(without_patients, tmp_path):
    films = [film._replace(subtype="pneumonia") if film.label else film for film in fabricate_films()]
    titles = each_class_table(board_of(tmp_path, Films(tuple(films)))).header
    assert "Pneumonia: recall (sensitivity)" in titles and not any("Bacterial" in title for title in titles)
    assert any("Bacterial" in title for title in each_class_table(without_patients[1]).header)


def test_if_one_patient_is_known_patients_are_resampled(tmp_path):
    first, *rest = fabricate_films()
    films = [first, *(film._replace(patient=unknown_patient(film.id)) for film in rest)]
    board = board_of(tmp_path, Films(tuple(films)))
    assert "resample patients" in (tmp_path / "report" / "leaderboard.md").read_text("utf-8")
    assert board.to_frame()["patients"].notna().all()


def test_films_of_other_sources_have_no_folders(without_patients):
    report, _ = without_patients
    text = (report / "leaderboard.md").read_text("utf-8")
    assert "official (trained on the training set, scored once on the test set)" in text
    assert "train folder" not in text


def test_subtypes_of_other_names_are_counted_and_drawn(tmp_path):
    other = {"normal": "not normal", "bacteria": "covid", "virus": "$\\foo$ | <b>"}
    films = Films(tuple(film._replace(subtype=other[film.subtype]) for film in fabricate_films()))
    board = board_of(tmp_path, films)
    page = (tmp_path / "report" / "leaderboard.md").read_text("utf-8")
    titles = "Normal (not normal) | Pneumonia (covid) | Pneumonia ($\\foo$ \\| &lt;b>)"
    assert f"| Split | Films | Patients | {titles} |" in page
    cells = re.search(r"\| test set \| 160 \| \d+ \| (.*) \|", page)[1].split(" | ")
    tested = [film.subtype for film in films if film.split == "test"]
    assert cells == [str(tested.count(subtype)) for subtype in other.values()]
    texts = set(texts_of_pictures(replace(board, rows=board.ranking)))
    assert any(text.startswith("covid\n") for text in texts)
