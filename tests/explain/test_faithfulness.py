"""Faithfulness on models that are known through and through."""

import cv2
import numpy as np
import pytest

from pneumo_tf.explain import faithfulness
from pneumo_tf.explain.faithfulness import (
    area_under_curve,
    deletion,
    drop_and_increase,
    insertion,
    remember_scores,
    removal_curve,
    replace_by_blur,
    replace_by_imputation,
    road,
)

SIDE = 24
SPOT = np.s_[6:10, 12:16]


def score_the_spot(films):
    """A model that depends on the detail in one spot alone."""
    return films[(slice(None), *SPOT)].std(axis=(1, 2)) / 4.0 - 5


@pytest.fixture
def films():
    return np.random.default_rng(0).integers(60, 200, (4, SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def right(films):
    maps = np.zeros(films.shape)
    maps[(slice(None), *SPOT)] = 1.0
    return maps


def test_the_map_of_what_the_model_uses_beats_the_others(films, right):
    wrong, random = 1 - right, np.random.default_rng(1).random(films.shape)
    for replace in (replace_by_blur, replace_by_imputation):
        left = [deletion(score_the_spot, films, maps, replace).mean() for maps in (right, random, wrong)]
        assert left == sorted(left), replace.__name__
        brought = [insertion(score_the_spot, films, maps, replace).mean() for maps in (right, random, wrong)]
        assert brought == sorted(brought, reverse=True), replace.__name__
    values = [road(score_the_spot, films, maps).mean() for maps in (right, random, wrong)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.3
    assert abs(values[1]) < 0.15
    assert values[2] == pytest.approx(-values[0], abs=0.1)


def test_curves_begin_and_end_where_they_must(films, right):
    before = 1 / (1 + np.exp(-score_the_spot(films)))
    gone = np.array([replace_by_blur(film, np.ones(film.shape, bool)) for film in films])
    after = 1 / (1 + np.exp(-score_the_spot(gone)))
    removed = removal_curve(score_the_spot, films, right)
    np.testing.assert_allclose(removed[:, 0], before)
    np.testing.assert_allclose(removed[:, -1], after)
    kept = removal_curve(score_the_spot, films, right, keep=True)
    np.testing.assert_allclose(kept[:, 0], after)
    np.testing.assert_allclose(kept[:, -1], before)


def test_area_by_hand():
    assert area_under_curve(np.array([[1.0, 0.5, 0.0]]), (0.0, 0.2, 0.6)) == pytest.approx(
        [(0.15 + 0.1) / 0.6]
    )


def test_the_requested_number_of_pixels_is_replaced_and_the_largest_first(films):
    seen = []

    def replace(film, removed):
        seen.append(removed.copy())
        return film

    map_ = np.arange(SIDE * SIDE).reshape(1, SIDE, SIDE)
    for least in (False, True):
        seen.clear()
        removal_curve(
            score_the_spot, films[:1], map_, replace=replace, fractions=(0, 0.25), least_first=least
        )
        assert [removed.sum() for removed in seen] == [0, SIDE * SIDE / 4]
        assert seen[1][0].all() == least
        assert seen[1][-1].all() != least


def test_equal_values_are_not_taken_from_the_top_down(films):
    taken = []
    removal_curve(
        score_the_spot,
        films[:1],
        np.zeros((1, SIDE, SIDE)),
        replace=lambda film, removed: taken.append(removed) or film,
        fractions=(0.5,),
    )
    assert 0.35 < taken[0][: SIDE // 2].mean() < 0.65


def test_blurring_keeps_brightness_and_takes_detail(films):
    gone = replace_by_blur(films[0], np.ones((SIDE, SIDE), bool))
    assert gone.mean() == pytest.approx(films[0].mean(), abs=1)
    assert gone.std() < 0.3 * films[0].std()
    np.testing.assert_array_equal(replace_by_blur(films[0], np.zeros((SIDE, SIDE), bool)), films[0])


def test_imputation_continues_the_surroundings(monkeypatch):
    monkeypatch.setattr(faithfulness, "NOISE", 0.0)
    slope = np.tile(np.linspace(20, 220, SIDE), (SIDE, 1)).astype(np.uint8)
    removed = np.zeros((SIDE, SIDE), bool)
    removed[5:15, 5:15] = True
    imputed = replace_by_imputation(slope, removed)
    np.testing.assert_allclose(imputed, slope, atol=2)  # a plane is its neighbours' mean everywhere
    np.testing.assert_array_equal(imputed[~removed], slope[~removed])


@pytest.mark.parametrize("cells", [4, 7, SIDE])
def test_imputation_is_near_the_solution_of_its_equations(monkeypatch, cells):
    monkeypatch.setattr(faithfulness, "NOISE", 0.0)
    random = np.random.default_rng(cells)
    film = cv2.resize(random.integers(0, 256, (9, 9), dtype=np.uint8), (SIDE, SIDE))
    order = cv2.resize(random.random((cells, cells)), (SIDE, SIDE))
    removed = order < np.quantile(order, 0.4)
    exact = film.astype(float)
    exact[removed] = solved(film.astype(float), removed)
    error = np.abs(replace_by_imputation(film, removed) - exact)
    assert error[~removed].max() == 0
    assert error[removed].mean() < 1.5
    # Far nearer than the flat patch that the film's mean would be.
    assert error[removed].mean() < 0.1 * np.abs(film.mean() - exact)[removed].mean()


def solved(film, removed):
    """Every removed pixel as the weighted mean of its neighbours on the film, by a dense solver."""
    place = {tuple(at): number for number, at in enumerate(np.argwhere(removed))}
    matrix, known = np.zeros((len(place), len(place))), np.zeros(len(place))
    for (row, column), number in place.items():
        for down, across in [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]:
            at, weight = (row + down, column + across), 2 if 0 in (down, across) else 1
            if not (0 <= at[0] < SIDE and 0 <= at[1] < SIDE):
                continue
            matrix[number, number] += weight
            if at in place:
                matrix[number, place[at]] -= weight
            else:
                known[number] += weight * film[at]
    return np.linalg.solve(matrix, known)


def test_one_imputed_pixel_by_hand(monkeypatch):
    monkeypatch.setattr(faithfulness, "NOISE", 0.0)
    film = np.array([[12, 60, 12], [0, 99, 0], [12, 0, 12]], np.uint8)
    hole = np.zeros((3, 3), bool)
    hole[1, 1] = True
    assert replace_by_imputation(film, hole)[1, 1] == 60 / 6 + 4 * 12 / 12
    corner = np.zeros((3, 3), bool)
    corner[0, 0] = True
    assert replace_by_imputation(film, corner)[0, 0] == round((60 / 6 + 0 / 6 + 99 / 12) / (2 / 6 + 1 / 12))
    nothing, everything = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    np.testing.assert_array_equal(replace_by_imputation(film, nothing), film)
    np.testing.assert_array_equal(replace_by_imputation(film, everything), int(film.mean()))


def test_films_that_all_maps_share_are_scored_once(films, right):
    calls = []

    def counted(batch):
        calls.append(batch.copy())
        return batch.mean(axis=(1, 2)) / 50 - 2

    def measure(score, maps):
        return [
            deletion(score, films, maps, fractions=(0.0, 0.2)),
            insertion(score, films, maps, fractions=(0.0, 0.2)),
            *drop_and_increase(score, films, maps),
        ]

    score, wrong = remember_scores(counted), np.roll(right, 8, axis=1)
    found = [measure(score, maps) for maps in (right, wrong)]
    # Untouched, blurred, and for each map one deletion, one insertion and one film times map.
    assert len(calls) == 2 + 2 * 3
    assert len({batch.tobytes() for batch in calls}) == len(calls)
    np.testing.assert_array_equal(found, [measure(counted, maps) for maps in (right, wrong)])


def test_drop_and_rise_by_hand():
    films = np.full((2, 4, 4), 100, np.uint8)
    films[1, 0, 0] = 0

    def score(images):  # probability is the film's mean over 200
        share = images.mean(axis=(1, 2)) / 200
        return np.log(share / (1 - share) + 1e-300)

    half = np.ones((2, 4, 4))
    half[:, :2] = 0
    drop, rise = drop_and_increase(score, films[:1], half[:1])
    assert (drop, rise) == (pytest.approx([0.5]), [0])
    drop, rise = drop_and_increase(lambda images: -score(images), films[:1], half[:1])
    assert (drop, rise) == ([0], [1])
    drop, _ = drop_and_increase(score, films[:1], np.zeros((1, 4, 4)))
    assert drop == pytest.approx([1])


def test_no_films_are_no_trouble(films, right):
    assert deletion(score_the_spot, films[:0], right[:0]).shape == (0,)
