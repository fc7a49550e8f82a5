"""Truth tests against cases small enough to count by hand, and against the phantom's own masks."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.evaluation.intervals import mean_over_films
from pneumo_tf.explain import localisation, shortcut
from pneumo_tf.explain.maps import upsample

MASK = np.array([[[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]], bool)
MAP = np.array([[[0, 0, 0, 1], [0, 8, 4, 0], [0, 4, 2, 0], [6, 0, 0, 0]]], np.float32)
"""Sum 25, 18 of it in the mask; above 4 lie 8 (inside) and 6 (outside)."""

NONE = np.zeros_like(MAP)


def test_localisation_counted_by_hand():
    assert localisation.pointing_game(MAP, MASK) == [1]
    assert localisation.pointing_game(MAP[:, ::-1, ::-1] * [[[1, 1, 0, 1]]], MASK) == [0]
    assert localisation.energy_inside(MAP, MASK) == pytest.approx([18 / 25])
    assert localisation.iou(MAP, MASK) == pytest.approx([1 / 5])
    assert localisation.iou(MAP, MASK, threshold=0.2) == pytest.approx([4 / 5])
    # Best is above 1: all four cells and the one of value 6.
    assert localisation.best_iou(MAP, MASK) == pytest.approx([4 / 5])


def test_a_map_that_is_the_mask_is_perfect():
    perfect = MASK.astype(np.float32)
    for measure in (
        localisation.pointing_game,
        localisation.energy_inside,
        localisation.iou,
        localisation.best_iou,
    ):
        assert measure(perfect, MASK) == pytest.approx([1])


def test_a_tie_counts_in_part_and_thresholds_take_whole_values():
    flat = np.ones_like(MAP)
    assert localisation.pointing_game(flat, MASK) == pytest.approx([4 / 16])
    assert localisation.best_iou(flat, MASK) == pytest.approx([4 / 16])


def test_a_near_miss_counts_where_it_is_tolerated():
    masks, maps = np.zeros((2, 50, 50), bool), np.zeros((2, 50, 50))
    masks[:, 10:20, 10:20] = True
    maps[0, 15, 21], maps[1, 15, 30] = 1, 1
    assert localisation.pointing_game(maps, masks).tolist() == [0, 0]
    assert localisation.pointing_game(maps, masks, localisation.NEAR).tolist() == [1, 0]


def test_an_empty_map_finds_nothing_and_an_empty_mask_is_left_out():
    for measure in (
        localisation.pointing_game,
        localisation.energy_inside,
        localisation.iou,
        localisation.best_iou,
    ):
        assert measure(NONE, MASK) == [0]
        assert np.isnan(measure(MAP, np.zeros_like(MASK))).all()
        assert measure(MAP[:0], MASK[:0]).shape == (0,)
    assert np.isnan(localisation.energy_outside_body(NONE, np.zeros((1, 4, 4), np.uint8))).all()


def test_best_iou_agrees_with_every_threshold():
    random = np.random.default_rng(0)
    maps, masks = random.random((5, 9, 9)), random.random((5, 9, 9)) < 0.3
    every = [localisation.iou(maps, masks, share) for share in np.linspace(0, 1, 4001)]
    np.testing.assert_allclose(localisation.best_iou(maps, masks), np.max(every, axis=0), atol=1e-9)


def test_the_body_of_a_phantom_holds_its_lungs(small_phantom, tmp_path):
    films = cached_pixels(small_phantom, tmp_path, side=64)[:30]
    ids = [film.id for film in small_phantom.films.rows[:30]]
    lungs = localisation.read_masks(small_phantom, "lungs", ids, 64)
    bodies = np.array([localisation.segment_body(film) for film in films])
    inside = (bodies & lungs).sum(axis=(1, 2)) / lungs.sum(axis=(1, 2))
    assert np.median(inside) > 0.98
    assert inside.min() > 0.8
    outside = localisation.energy_outside_body(np.ones((30, 64, 64)), films)
    np.testing.assert_allclose(outside, 1 - bodies.mean(axis=(1, 2)))


def test_a_film_without_air_is_all_body():
    assert localisation.segment_body(np.full((32, 32), 120, np.uint8)).all()
    disc = np.hypot(*(np.mgrid[:64, :64] - 31.5)) < 24
    film = np.where(disc, 180, 2).astype(np.uint8)
    film[28:36, 28:36] = 0  # dark as air, but enclosed
    found = localisation.segment_body(film)
    assert found[32, 32]
    assert abs(found.sum() / disc.sum() - 1) < 0.1


def test_masks_are_found_next_to_the_films(small_phantom, tmp_path):
    rows = small_phantom.films.rows
    ids = [film.id for film in rows]
    masks = localisation.read_masks(small_phantom, "masks", ids, 48)
    assert masks.shape == (len(rows), 48, 48)
    drawn = masks.any(axis=(1, 2))
    np.testing.assert_array_equal(drawn & (small_phantom.films.labels == 0), False)
    assert drawn[small_phantom.films.labels == 1].mean() > 0.95
    lungs = localisation.read_masks(small_phantom, "lungs", ids, 48)
    assert (masks & ~lungs).mean() < 0.005, "opacities lie in the lungs"
    elsewhere = replace(small_phantom, root=tmp_path / "chest_xray")
    assert localisation.read_masks(elsewhere, "masks", ids, 48) is None


def test_masks_follow_the_films_crop_and_fit(small_phantom):
    ids = [small_phantom.films.rows[0].id]
    boxed = localisation.read_masks(small_phantom, "lungs", ids, 64, fit="letterbox")[0]
    squashed = localisation.read_masks(small_phantom, "lungs", ids, 64)[0]
    assert np.ptp(np.flatnonzero(boxed.any(axis=1))) < np.ptp(np.flatnonzero(squashed.any(axis=1)))
    cropped = localisation.read_masks(small_phantom, "lungs", ids, 64, edge_crop=0.2)[0]
    assert cropped.mean() > squashed.mean()


@pytest.mark.parametrize("cells", [5, 7, 10, 64])
def test_a_map_without_preference_has_the_border_s_area(cells):
    flat = np.ones((2, cells, cells))
    np.testing.assert_allclose(shortcut.border_share(flat), shortcut.BORDER_AREA)
    np.testing.assert_allclose(shortcut.corner_share(flat), shortcut.CORNER_AREA)


def test_border_and_corners_by_hand():
    map_ = np.zeros((1, 10, 10))
    map_[0, 0, 0], map_[0, 5, 0], map_[0, 5, 5] = 1, 2, 5
    assert shortcut.border_share(map_) == pytest.approx([3 / 8])
    assert shortcut.corner_share(map_) == pytest.approx([1 / 8])
    assert np.isnan(shortcut.border_share(NONE)).all()


def test_groups_and_worst_films():
    shares = np.array([0.1, 0.9, np.nan, 0.5])
    groups = shortcut.shares_by_group(shares, ["TP", "FP", "FN", "TP"], np.array([1, 0, 1, 1]), np.arange(4))
    assert list(groups) == ["FN", "FP", "TP"]
    assert groups["TP"].value == pytest.approx(0.3)
    assert (groups["FN"].films, np.isnan(groups["FN"].value)) == (0, True)
    assert shortcut.largest_shares(shares, list("abcd"), 5) == [("b", 0.9), ("d", 0.5), ("a", 0.1)]


def test_a_mean_over_films_has_its_interval():
    random = np.random.default_rng(0)
    values, labels = random.normal(0.3, 1, 400), np.arange(400) % 2
    mean = mean_over_films(values, labels, np.arange(400))
    assert mean.value == pytest.approx(values.mean())
    assert (mean.high - mean.low) / 2 == pytest.approx(1.96 / 20, rel=0.1)
    assert mean.above_zero
    assert not mean_over_films(-values, labels, np.arange(400)).above_zero
    # The same films ten times over, as films of one person: no more is known than before.
    again = mean_over_films(np.repeat(values, 10), np.repeat(labels, 10), np.repeat(np.arange(400), 10))
    assert (again.high - again.low) == pytest.approx(mean.high - mean.low, rel=0.1)


def test_undefined_values_are_left_out():
    values = np.array([1.0, np.nan, 3.0])
    assert mean_over_films(values, np.ones(3, int), np.arange(3))[::3] == (2.0, 2)
    assert mean_over_films(values[1:2], np.ones(1, int), np.arange(1)).films == 0


def test_upsampling_adds_no_peak():
    large = upsample(MAP, 64)
    assert large.shape == (1, 64, 64)
    assert large.max() <= MAP.max()
    assert large.min() >= 0
    assert upsample(MAP[:0], 8).shape == (0, 8, 8)
