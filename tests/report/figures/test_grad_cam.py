"""Grad-CAM pages: maps are laid over their own films, share a scale, and an empty one is never stretched."""

import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.text import Text

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import grad_cam, grad_cam_suite, overlay, samples, style
from pneumo_tf.report.reading import read_boards
from tests.report.fabricate import RECIPES, fabricate_runs

pytestmark = [
    pytest.mark.filterwarnings("error::DeprecationWarning"),
    pytest.mark.filterwarnings("error::PendingDeprecationWarning"),
]

SIDE, CELLS = 48, 6
COMMON = 4


def explain(row: Row, *, empty: bool = False, side: int = SIDE) -> None:
    """Writes the arrays that a worker leaves: films that all recipes share, and up to two per outcome."""
    scored, rng = row.test[0], np.random.default_rng(4)
    common = [np.flatnonzero(scored.labels == label)[-2:] for label in (1, 0)]
    picked = [
        np.flatnonzero((scored.labels == label) & (scored.predicted == called))[:2]
        for label in (0, 1)
        for called in (False, True)
    ]
    chosen = np.concatenate([*common, *picked])
    maps = rng.gamma(1.0, 2.0, (len(chosen), CELLS, CELLS)) * (scored.score[chosen] > 0)[:, None, None]
    classes = {}
    if scored.logits.shape[1] == 3:
        classes["class_maps"] = rng.gamma(1.0, 2.0, (len(chosen), 3, CELLS, CELLS)).astype(np.float32)
    row.runs[0].write_arrays(
        "explained",
        classes
        | {
            "ids": np.array([scored.ids[index] for index in chosen]),
            "pixels": rng.integers(0, 256, (len(chosen), side, side)).astype(np.uint8),
            "maps": (0 if empty else maps.astype(np.float32)) * np.ones_like(maps, np.float32),
            "common": np.arange(len(chosen)) < COMMON,
        },
    )


def augmented(row: Row, films: int = 2, views: int = 3) -> None:
    """Writes training films beside their augmented versions."""
    rng = np.random.default_rng(5)
    originals = rng.integers(0, 256, (films, SIDE, SIDE)).astype(np.uint8)
    row.runs[0].write_arrays(
        "augmented",
        {
            "ids": np.array([film.id for film in row.films.rows[:films]]),
            "originals": originals,
            "augmented": np.stack([originals[..., ::-1]] * views, axis=1),
        },
    )


@pytest.fixture
def board(tmp_path) -> Board:
    return read_boards(fabricate_runs(tmp_path, RECIPES[:3], seeds=1, n_test=80, flawed=False))[0]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def film(map_: np.ndarray, pixels: np.ndarray | None = None, **more: object) -> overlay.Explained:
    pixels = np.full((24, 24), 90, np.uint8) if pixels is None else pixels
    known = {
        "id": "a/b.jpeg",
        "common": True,
        "subtype": "virus",
        "label": 1,
        "score": 1.0,
        "probability": 0.7,
    }
    return overlay.Explained(pixels=pixels, map=map_.astype(np.float32), **(known | more))


def test_the_film_is_untouched_where_there_is_no_evidence():
    pixels = np.arange(576).reshape(24, 24).astype(np.uint8)
    map_ = np.zeros((6, 6))
    map_[0, 0] = 2.0
    blended = overlay.blend(film(map_, pixels), scale=2.0)
    np.testing.assert_array_equal(blended[12:], np.repeat(pixels[12:, :, None], 3, axis=2))
    assert (blended[0, 0] != pixels[0, 0]).any()


def test_maps_drawn_together_share_a_scale():
    weak, strong = film(np.full((6, 6), 0.1)), film(np.full((6, 6), 1.0))
    scale = overlay.largest_evidence([weak, strong])
    assert scale == 1.0
    grey = weak.pixels[..., None].astype(int)
    moved = [np.abs(overlay.blend(one, scale) - grey).mean() for one in (weak, strong)]
    assert moved[0] < 0.5 * moved[1]


def test_an_empty_map_is_written_as_such_and_not_stretched():
    figure = Figure()
    ax = figure.add_subplot()
    overlay.draw_overlay(ax, film(np.zeros((6, 6))), scale=0.0)
    assert "no positive\nevidence" in texts(figure)
    assert ax.images[0].get_array().ndim == 2  # the plain film, without colours


def test_outcomes_are_those_of_the_predictions(board):
    row = board.rows[0]
    explain(row)
    scored = row.test[0]
    for one in overlay.explained(row):
        at = scored.ids.index(one.id)
        right = scored.predicted[at] == scored.labels[at]
        assert one.outcome == ("T" if right else "F") + ("P" if scored.predicted[at] else "N")
        assert one.probability == pytest.approx(1 / (1 + np.exp(-scored.score[at])))


def test_a_film_that_was_not_predicted_is_left_out(board):
    row = board.rows[0]
    explain(row)
    arrays = row.runs[0].read_arrays("explained")
    arrays["ids"][0] = "test/NORMAL/stranger.jpeg"
    row.runs[0].write_arrays("explained", arrays)
    assert len(overlay.explained(row)) == len(arrays["ids"]) - 1


def test_a_page_shows_the_surest_the_middle_and_the_least_sure_film():
    places = ["", "least", "most", "", "median"]
    films = [film(np.ones((2, 2)), id=f"{n}", common=n < 3, place=places[n]) for n in range(5)]
    assert [one.id for one in grad_cam.arrange_by_outcome(films)["TP"]] == ["2", "4", "1"]
    assert grad_cam.arrange_by_outcome(films)["FN"] == [None, None, None]
    few = grad_cam.arrange_by_outcome([films[0], films[2]])["TP"]
    assert [one and one.id for one in few] == ["2", None, None]


def test_a_page_of_films_without_a_place_prefers_those_of_the_recipe():
    films = [film(np.ones((2, 2)), id=f"{n}", common=n < 3) for n in range(5)]
    assert [one.id for one in grad_cam.arrange_by_outcome(films)["TP"]] == ["3", "4", "0"]


@pytest.mark.parametrize("known", [True, False])
def test_the_outline_of_an_opacity_is_drawn_where_it_is_known(board, known):
    row = board.rows[0]
    explain(row)
    arrays = row.runs[0].read_arrays("explained")
    masks = np.zeros(arrays["pixels"].shape, bool)
    masks[:, 10:20, :9] = True
    row.runs[0].write_arrays("explained", arrays | ({"masks": masks} if known else {}))
    with style.applied():
        for draw in (grad_cam.draw_grad_cam_by_outcome, grad_cam_suite.draw_grad_cam_by_recipe):
            page = next(draw(board))
            assert ("blue line" in page.note) == known
            assert bool(page.figure.findobj(QuadContourSet)) == known


def test_the_suite_takes_a_film_of_each_kind_in_turn():
    kinds = ["normal"] * 4 + ["bacteria"] * 4 + ["virus"] * 2
    films = [
        film(np.ones((2, 2)), id=f"{n}", subtype=kind, label=int(kind != "normal"))
        for n, kind in enumerate(kinds)
    ]
    shown = grad_cam_suite._shown([{one.id: one for one in films}])
    assert [one.subtype for one in shown] == ["bacteria"] * 2 + ["virus"] * 2 + ["normal"] * 2


def test_a_page_tells_score_probability_and_label(board):
    row = board.rows[0]
    explain(row)
    shown = [
        one for films in grad_cam.arrange_by_outcome(overlay.explained(row)).values() for one in films if one
    ]
    with style.applied():
        written = "\n".join(texts(next(grad_cam.draw_grad_cam_by_outcome(board)).figure))
    for one in shown:
        assert f"score {style.signed(one.score)}\nprobability {one.probability:.3f}" in written
        assert one.caption in written


def test_an_outcome_without_films_is_said(board):
    row = board.rows[0]
    explain(row)
    arrays = row.runs[0].read_arrays("explained")
    keep = np.array([one.outcome != "FN" for one in overlay.explained(row)])
    row.runs[0].write_arrays("explained", {name: values[keep] for name, values in arrays.items()})
    with style.applied():
        assert "no\nfalse\nnegative\nexplained" in texts(
            next(grad_cam.draw_grad_cam_by_outcome(board)).figure
        )


def test_a_recipe_without_positive_evidence_anywhere_is_drawn(board):
    explain(board.rows[0], empty=True)
    with style.applied():
        for draw in (grad_cam.draw_grad_cam_by_outcome, grad_cam_suite.draw_grad_cam_by_recipe):
            assert "no positive\nevidence" in texts(next(draw(board)).figure)


def test_the_suite_shows_the_shared_films_once_per_recipe(board):
    for row in board.rows:
        explain(row)
    with style.applied():
        (page,) = grad_cam_suite.draw_grad_cam_by_recipe(board)
    shown = overlay.explained(board.rows[0])[:COMMON]
    labels = texts(page.figure)
    for one in shown:
        assert style.stem(one.id, 20) in labels
    outcomes = [text for text in labels if text[-2:] in ("TP", "FP", "FN", "TN")]
    assert len(outcomes) == COMMON * len(board.rows)


def test_a_recipe_that_lacks_a_shared_film_leaves_its_place_open(board):
    for row in board.rows:
        explain(row)
    arrays = board.rows[1].runs[0].read_arrays("explained")
    arrays["common"][0] = False
    board.rows[1].runs[0].write_arrays("explained", arrays)
    with style.applied():
        (page,) = grad_cam_suite.draw_grad_cam_by_recipe(board)
    assert texts(page.figure).count("not explained") == 1


def test_samples_come_from_the_recipe_with_the_largest_films(board):
    explain(board.rows[0])
    explain(board.rows[1], side=2 * SIDE)
    films = samples.sample_films(board)
    assert len(films) == COMMON
    assert {one.pixels.shape for one in films} == {(2 * SIDE, 2 * SIDE)}
    assert [one.label for one in films] == sorted(one.label for one in films)
