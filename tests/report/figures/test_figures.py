"""Every figure of the registry draws without a warning, on the page, the same each time, or not at all."""

import io
import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from pneumo_tf.data.datasets.registry import DATASETS
from pneumo_tf.data.films import Films
from pneumo_tf.predictions import Predictions
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import FIGURES, list_drawings, sections, style
from pneumo_tf.report.figures.picture import LARGEST, Picture, board_key, encode_png, write_picture
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.section import Section
from pneumo_tf.runs import Runs
from tests.report import fabricate
from tests.report.fabricate import RECIPES, fabricate_runs
from tests.report.figures.test_grad_cam import augmented, explain

LONG = "efficientnetv2_s_class_balanced_focal_loss_letterboxed_384_px"
COMPARISONS = ("metrics", "cost", "roc", "precision_recall", "missed", "confusion", "histograms")
PAIRED = ("differences", "reliability", "risk_coverage")
# A file that the reading of a history leaves open is not the figures' warning.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


def fabricate_board(folder: Path, rows: int = 4, seeds: int = 2, **more: object) -> Board:
    """A board with a long name of three classes, a trivial row, a failed row, and maps that lack or are 0."""
    plain = [recipe for recipe in RECIPES if recipe.phases]
    three_classes = replace(plain[0], name=LONG, head=replace(plain[0].head, classes=3))
    recipes = [three_classes, plain[2], *RECIPES[-2:]]
    recipes += [replace(plain[n % 5], name=f"{plain[n % 5].name}_variant_{n}") for n in range(rows - 4)]
    board = read_boards(fabricate_runs(folder, recipes, seeds, 80, n_train=160, **more))[0]
    for number, row in enumerate(row for row in board.rows if row.runs and not row.trivial):
        if number != 1:
            explain(row, empty=number == 2)
        if row.recipe.augment.active:
            augmented(row)
    return read_boards(Runs(folder))[0]


def draw(board, out):
    return sections(drawing() for drawing in list_drawings(board, out))


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Board:
    return fabricate_board(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def large_board(tmp_path_factory) -> Board:
    return fabricate_board(tmp_path_factory.mktemp("large"), rows=14, seeds=1)


@pytest.fixture(scope="module")
def one_class_board(tmp_path_factory) -> Board:
    """Only pneumonia in the test set, one row that gives every film the same score, one epoch of training."""
    films, predict, history = (
        fabricate.fabricate_films,
        fabricate.fabricate_predictions,
        fabricate.fabricate_history,
    )

    def constant(part: Films, recipe, seed, *, test):
        predictions = predict(part, recipe, seed, test=test)
        if recipe.phases:
            return predictions
        return Predictions(predictions.ids, np.tile(np.float32([-0.3, 0.3]), (len(predictions.ids), 1)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            fabricate,
            "fabricate_films",
            lambda *counts: films(*counts).where(lambda f: f.split == "train" or f.label == 1),
        )
        patch.setattr(fabricate, "fabricate_predictions", constant)
        patch.setattr(fabricate, "fabricate_history", lambda recipe, seed: history(recipe, seed)[:1])
        return fabricate_board(tmp_path_factory.mktemp("one"), seeds=1)


@pytest.fixture(scope="module")
def two_protocols(tmp_path_factory) -> Board:
    folder = tmp_path_factory.mktemp("two")
    fabricate_runs(folder, RECIPES[:3], seeds=1, n_test=60, flawed=False)
    fabricate_runs(
        folder, RECIPES[:2], seeds=1, n_test=60, flawed=False, protocol="published-validation-head"
    )
    return read_boards(Runs(folder))[0]


@pytest.fixture(scope="module")
def single_row_board(two_protocols) -> Board:
    return replace(two_protocols, rows=two_protocols.ranking[:1])


@pytest.fixture(scope="module")
def report(board, tmp_path_factory) -> tuple[Path, list[Section]]:
    folder = tmp_path_factory.mktemp("report")
    return folder, draw(board, folder)


def pages(board: Board, name: str) -> list[Picture]:
    with style.applied():
        return list(FIGURES[name].draw(board))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_a_png_of_sensible_size(name, board):
    drawn = pages(board, name)
    assert drawn
    for page in drawn:
        with style.applied():
            content = encode_png(page.figure)
        assert len(content) <= LARGEST
        image = Image.open(io.BytesIO(content))
        image.load()
        assert image.format == "PNG"
        assert 500 <= image.width <= 1600 and 180 <= image.height <= 1700
        assert np.asarray(image).std() > 5
        assert len(page.caption) > 60 and page.caption.endswith(".")


@pytest.mark.parametrize(
    ("which", "name"),
    [
        *[("board", name) for name in FIGURES],
        *[("two_protocols", name) for name in (*COMPARISONS, *PAIRED, "training", "sheets")],
        *[("single_row_board", name) for name in ("reliability", "risk_coverage", "training", "sheets")],
        *[("large_board", name) for name in (*COMPARISONS, *PAIRED, "training", "grad_cam_suite")],
        *[
            ("one_class_board", name)
            for name in (*COMPARISONS, *PAIRED, "training", "class_balance", "sheets")
        ],
    ],
)
def test_text_stays_on_the_page_and_off_other_text(name, which, request, monkeypatch):
    drawn: list[Text] = []
    draw_text = Text.draw
    monkeypatch.setattr(Text, "draw", lambda text, renderer: (drawn.append(text), draw_text(text, renderer)))
    for page in pages(request.getfixturevalue(which), name):
        drawn.clear()
        canvas = FigureCanvasAgg(page.figure)
        with style.applied():
            canvas.draw()
        width, height = canvas.get_width_height()
        boxes = [(text.get_text(), text.get_window_extent()) for text in drawn if text.get_text().strip()]
        for text, box in boxes:
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
            assert inside, f"{page.name}: {text!r} runs off the page"
        for (one, a), (other, b) in itertools.combinations(boxes, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 1.5 or down < 2.5, f"{page.name}: {one!r} overlaps {other!r}"


def test_sections_are_in_the_order_of_the_registry_with_their_files(board, report):
    folder, sections = report
    assert [section.title for section in sections] == [entry.title for entry in FIGURES.values()]
    paths = [path for section in sections for path, *_ in section.pictures]
    assert len(paths) == len(set(paths))
    assert sorted(paths) == sorted(
        str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()
    )
    assert {Path(path).parent.as_posix() for path in paths} == {f"figures/{board_key(board)}"}


def test_the_same_board_gives_the_same_bytes_whatever_matplotlib_is_set_to(board, report, tmp_path):
    folder, sections = report
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "lines.linewidth": 7}):
        again = draw(read_boards(Runs(board.rows[0].runs[0].path.parent))[0], tmp_path)
    assert again == sections
    for path, *_ in (picture for section in sections for picture in section.pictures):
        assert (folder / path).read_bytes() == (tmp_path / path).read_bytes(), path


def test_settings_are_left_as_they_were(board, tmp_path):
    before = dict(matplotlib.rcParams)
    draw(replace(board, rows=()), tmp_path)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("source", DATASETS.values())
@pytest.mark.parametrize("scored", [True, False])
def test_pages_carry_their_marks(board, source, scored, tmp_path):
    page = pages(board, "class_balance")[0]
    write_picture(page, replace(board, source=source), scored, tmp_path)
    written = " ".join(text.get_text() for text in page.figure.texts)
    assert ("synthetic films" in written) == (source.name == "phantom")
    assert ("research use, not a medical device" in written) == scored


def test_only_pages_without_scores_are_unmarked():
    assert {name for name, entry in FIGURES.items() if not entry.scored} == {
        "class_balance",
        "image_sizes",
        "samples",
        "augmented",
    }


def test_what_lacks_data_is_left_out(tmp_path):
    runs = fabricate_runs(tmp_path / "runs", RECIPES[1:3], seeds=1, n_test=60, flawed=False)
    (bare,) = read_boards(runs)
    titles = {section.title for section in draw(bare, tmp_path)}
    pixels = {"Sample films", "Augmented films", "Grad-CAM, recipe by recipe", "Grad-CAM, by outcome"}
    three_classes = {"Confusion matrices of three classes", "Grad-CAM, by class"}
    assert titles == {entry.title for entry in FIGURES.values()} - pixels - three_classes


def test_a_board_without_a_finished_run_still_shows_its_films(board, tmp_path):
    unfinished = replace(board, rows=tuple(row for row in board.rows if not row.runs))
    assert [section.title for section in draw(unfinished, tmp_path)] == ["Class balance", "Image sizes"]


def test_failed_rows_are_named_below_the_comparisons(board):
    for name in COMPARISONS:
        assert "Without a finished run: vgg16." in pages(board, name)[0].note


def test_protocols_never_share_a_page(two_protocols):
    drawn = pages(two_protocols, "roc")
    assert [page.name for page in drawn] == ["roc-official", "roc-published-validation-head"]
    assert [len(page.figure.legends[0].get_texts()) for page in drawn] == [3, 2]


@pytest.mark.parametrize("name", ["metrics", "roc", "confusion", "histograms", "missed", "cost"])
def test_a_caption_is_the_same_for_all_protocols(name, two_protocols):
    drawn = pages(two_protocols, name)
    assert len(drawn) == 2 and len({page.caption for page in drawn}) == 1
    assert len({page.note for page in drawn}) == 2


@pytest.mark.parametrize("name", ["augmented", "grad_cam", "sheets"])
def test_a_caption_is_the_same_for_all_recipes(name, board):
    assert len({page.caption for page in pages(board, name)}) == 1


@pytest.mark.parametrize("name", COMPARISONS)
def test_one_row_is_compared_with_nothing(name, single_row_board):
    assert pages(single_row_board, name) == []


def headings(page: Picture) -> list[str]:
    """The two lines of a title, which stand first on a page."""
    return [text.get_text() for text in page.figure.texts[:2]]


@pytest.mark.parametrize("name", ["metrics", "differences", "cost", "roc", "confusion", "histograms"])
def test_titles_name_protocol_and_films(name, two_protocols):
    films = two_protocols.ranking[0].test[0]
    normal, positive = int((films.labels == 0).sum()), int((films.labels == 1).sum())
    _, scope = headings(pages(two_protocols, name)[0])
    assert scope == f"3 recipes · protocol official · 60 test films: {normal} normal, {positive} pneumonia"


@pytest.mark.parametrize("name", ["sheets", "augmented", "grad_cam"])
def test_the_title_of_a_recipe_names_it_and_its_protocol(name, board):
    for page in pages(board, name):
        title, scope = headings(page)
        assert any(title.endswith(row.name) for row in board.rows) or "…" in title
        assert "protocol " in scope and "films" in scope


def test_every_page_has_both_lines_of_its_title(board):
    for name in FIGURES:
        for page in pages(board, name):
            assert all(headings(page)), name
            if FIGURES[name].scored:
                assert "protocol" in headings(page)[1] and "films" in headings(page)[1], name


def texts(page: Picture) -> list[str]:
    return [found.get_text() for found in page.figure.findobj(Text)]


def test_test_films_that_chose_the_epoch_are_not_called_validation(tmp_path):
    for protocol in ("official", "published-test-selected"):
        fabricate_runs(tmp_path, RECIPES[:1], 1, 60, flawed=False, protocol=protocol)
    (board,) = read_boards(Runs(tmp_path))
    official, selected = pages(board, "sheets")
    assert {"Validation AUC", "Validation AUC (first run)", "validation"} <= set(texts(official))
    assert "Test AUC (first run)" in texts(selected)
    assert not any("alidation" in text for text in texts(selected))
    (training,) = pages(board, "training")
    assert "convnext_base\n(published-test-selected: test films)" in texts(training)
    assert "validation, or test where named" in texts(training)
    alone = replace(board, rows=tuple(row for row in board.rows if row.chooses_on_test))
    (training,) = pages(alone, "training")
    assert headings(training)[1] == "first runs · protocol published-test-selected · training and test films"


def test_a_heavy_page_is_written_with_coarser_colours():
    rng = np.random.default_rng(0)
    figure, axes = style.page(1, 1, (5, 4))
    style.bare(axes[0, 0])
    axes[0, 0].imshow(
        rng.normal(128, 12, (480, 600, 3)).clip(0, 255).astype(np.uint8), interpolation="nearest"
    )
    content = encode_png(figure)
    levels = np.unique(np.asarray(Image.open(io.BytesIO(content))))
    assert len(levels) <= 65


def test_drawing_needs_neither_tensorflow_nor_a_display():
    code = (
        "import sys, pneumo_tf.report.figures; "
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    without_display = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=without_display
    )
    assert out.stdout.strip() == "[]"
