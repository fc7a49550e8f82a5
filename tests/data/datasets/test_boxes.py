"""Boxes next to a user's own films: which are read, and where they lie."""

import numpy as np
import pytest

from pneumo_tf.data.datasets.boxes import Box, draw_boxes
from pneumo_tf.data.datasets.csv_table import CSV_TABLE, open_masks
from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.errors import UserError
from tests.conftest import SHARED
from tests.data.datasets.small_films import write_films

FILMS = [f"films/{number:02}.png" for number in range(30)]


@pytest.fixture
def root(tmp_path):
    write_films(tmp_path, FILMS)
    lines = [f"{film},{('normal', 'pneumonia')[number % 2]}" for number, film in enumerate(FILMS)]
    (tmp_path / "table.csv").write_text("\n".join(["path,label", *lines]))
    return tmp_path


def write_boxes(folder, *lines, header="path,x,y,width,height,finding"):
    (folder / "boxes.csv").write_text("\n".join([header, *lines]))


def boxed(root):
    mask_of = open_masks(root, "masks")
    return [film for film in FILMS if mask_of(film) is not None]


def test_a_box_covers_its_fraction_of_the_film():
    mask = draw_boxes([Box(0.25, 0.5, 0.5, 0.25), Box(0, 0, 0.1, 0.05)], width=40, height=20)
    expected = np.zeros((20, 40), np.uint8)
    expected[10:15, 10:30] = 255
    expected[0:1, 0:4] = 255
    assert (mask == expected).all()


@pytest.mark.parametrize("box", [Box(0.999, 0.999, 0.0001, 0.0001), Box(-0.005, 0.2, 1.01, 0.1)])
def test_a_box_at_the_edge_stays_on_the_film_and_is_never_empty(box):
    mask = draw_boxes([box], width=30, height=30)
    assert mask.shape == (30, 30) and mask.any()


def test_boxes_of_pneumonia_are_taken_before_others(root):
    write_boxes(root, f"{FILMS[1]},0,0,.5,.5,Mass", f"{FILMS[3]},0,0,.5,.5,Viral pneumonia")
    assert boxed(root) == [FILMS[3]]


def test_boxes_without_pneumonia_are_all_taken(root):
    write_boxes(root, f"{FILMS[1]},0,0,.5,.5,Mass", f"{FILMS[3]},0,0,.5,.5,Effusion")
    assert boxed(root) == [FILMS[1], FILMS[3]]


def test_boxes_without_a_finding_are_all_taken(root):
    write_boxes(root, f"{FILMS[1]},0,0,.5,.5", f"{FILMS[1]},.5,.5,.5,.5", header="path,x,y,width,height")
    (film,) = boxed(root)
    share = (open_masks(root, "masks")(film) == 255).mean()
    assert share == pytest.approx(0.5, abs=0.03)


def test_without_boxes_there_are_no_masks(root):
    assert open_masks(root, "masks") is None
    write_boxes(root, f"{FILMS[1]},0,0,.5,.5,Mass")
    assert open_masks(root, "lungs") is None


@pytest.mark.parametrize(
    "cells, message",
    [
        ("0,0,2,.5", "the box 0, 0, 2, .5 does not lie on a film of sides 1"),
        ("0,0,0,.5", "the box 0, 0, 0, .5 does not lie on a film of sides 1"),
        ("0,nan,.1,.5", "the box 0, nan, .1, .5 does not lie on a film of sides 1"),
        ("0,inf,.1,.5", "the box 0, inf, .1, .5 does not lie on a film of sides 1"),
        ("0,0,,.5", "0, 0, , .5 is not a box of x, y, width and height"),
    ],
)
def test_wrong_boxes_are_found_when_films_are_read(root, cells, message):
    write_boxes(root, f"{FILMS[1]},{cells},Pneumonia")
    with pytest.raises(UserError, match=f"boxes.csv, line 2: {message}"):
        CSV_TABLE.read(root)


def test_boxes_of_films_that_are_not_listed_are_counted(root):
    write_boxes(root, "gone.png,0,0,.5,.5,Pneumonia")
    notes = CSV_TABLE.read(root).notes
    assert "boxes.csv has boxes of films that are not listed: 1, such as gone.png." in notes


def test_boxes_lie_with_the_films(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    (root / "table.csv").rename(folder / "table.csv")
    write_boxes(folder, f"{FILMS[1]},0,0,.5,.5,Pneumonia")
    dataset = CSV_TABLE.read(folder, options=ReadingOptions(images=root))
    assert f"{folder}/boxes.csv is not read; move it to the films, in {root}." in dataset.notes


def test_hand_drawn_boxes_of_nih_films():
    folder = SHARED / "data" / "nih"
    if not folder.is_dir():
        pytest.skip(f"no films of the NIH in {folder}")
    dataset = CSV_TABLE.read(folder)
    mask_of = CSV_TABLE.open_masks(folder, "masks")
    marked = [film for film in dataset.films if mask_of(film.id) is not None]
    assert len(marked) == 43 and {film.label for film in marked} == {1}
    share = (mask_of("images/00011136_002.jpg") == 255).mean()
    assert share == pytest.approx(0.2244 * 0.1622, abs=0.003)
