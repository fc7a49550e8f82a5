"""What is measured of maps, on models that are known through and through."""

import numpy as np
import pytest

from pneumo_tf.explain import measures
from pneumo_tf.explain.faithfulness import deletion, drop_and_increase, insertion, road
from pneumo_tf.explain.measures import (
    CEILING,
    PUBLISHED,
    SCORED,
    SCORED_FILMS,
    choose_evenly,
    json_values,
    measure_maps,
)

SIDE, COUNT, GRID = 48, 6, (6, 6)
SPOT = np.s_[16:24, 8:16]
"""One cell of the grid: row 2, column 1."""


def brightness_of_the_spot(films):
    """A model that depends on the brightness of the spot alone."""
    return (films[(slice(None), *SPOT)].mean(axis=(1, 2)) - 100) / 10


@pytest.fixture(scope="module")
def films():
    images = np.random.default_rng(0).integers(20, 60, (COUNT, SIDE, SIDE)).astype(np.uint8)
    images[(slice(0, 4), *SPOT)] = 220  # the first four are called pneumonia
    return images


@pytest.fixture(scope="module")
def maps():
    right = np.zeros((COUNT, *GRID), np.float32)
    right[:, 2, 1] = 3.0
    wrong = np.zeros((COUNT, *GRID), np.float32)
    wrong[:, 5, 5] = 1.0
    random = np.random.default_rng(1).random((COUNT, *GRID)).astype(np.float32)
    return {"grad_cam": right, "eigen_cam": wrong, "random": random}


@pytest.fixture(scope="module")
def masks():
    drawn = np.zeros((COUNT, SIDE, SIDE), bool)
    drawn[(slice(0, 4), *SPOT)] = True
    return drawn


@pytest.fixture(scope="module")
def found(maps, films, masks):
    return measure_maps(maps, brightness_of_the_spot, films, masks=masks, lungs=np.ones_like(masks))


def test_the_map_of_the_spot_points_at_it(found):
    assert found["grad_cam"]["pointing"][:4].tolist() == [1] * 4
    assert found["eigen_cam"]["pointing"][:4].tolist() == [0] * 4
    for values in found.values():
        # A film without an opacity has no pointing.
        assert np.isnan(values["pointing"][4:]).all()
    assert found["grad_cam"]["lungs"] == pytest.approx(1)
    assert found["grad_cam"]["border"].max() == 0
    assert found["eigen_cam"]["border"].min() > 0.8


def test_the_opacity_itself_is_the_best_that_the_grid_allows(found):
    assert set(found[CEILING]) == {"pointing", "near", "energy", "iou", "best_iou"}
    # The opacity is one cell, as the right map is.
    for name, values in found[CEILING].items():
        np.testing.assert_allclose(values, found["grad_cam"][name])


def test_faithfulness_is_that_of_its_functions_on_films_called_pneumonia(found, maps, films):
    high = np.repeat(np.repeat(maps["grad_cam"], 8, axis=1), 8, axis=2)
    drop, rise = drop_and_increase(brightness_of_the_spot, films, high)
    expected = {
        "deletion": deletion(brightness_of_the_spot, films, high, fractions=(0, 0.1, 0.2, 0.4)),
        "insertion": insertion(brightness_of_the_spot, films, high, fractions=(0, 0.1, 0.2, 0.4)),
        "road": road(brightness_of_the_spot, films, high, fractions=(0.2, 0.4)),
        "drop": drop,
        "rise": rise,
    }
    for name, values in expected.items():
        of = found["grad_cam"][name]
        assert np.isfinite(of).tolist() == [True] * 4 + [False] * 2
        # Bilinear maps are not quite the cells of this one.
        np.testing.assert_allclose(of[:4], values[:4], atol=0.12, err_msg=name)
    # Under a map of random strength the spot is dark on some films: something is lost, and nothing gained.
    assert found["random"]["drop"][:4].max() > 0.3
    assert found["random"]["rise"][:4].max() == 0
    for name, better in (("deletion", -1), ("insertion", 1), ("road", 1)):
        assert better * (found["grad_cam"][name] - found["random"][name])[:4].min() > 0, name
    assert not {"deletion", "road"} & set(found["eigen_cam"])
    assert set(SCORED) >= {"layer_cam", PUBLISHED, "centre", "edges", "input_gradient"}


def test_maps_are_compared_with_grad_cam(found, maps):
    assert "rank" not in found["grad_cam"]
    # One cell of 36 stands out in each map, and not the same: by hand −1/35.
    np.testing.assert_allclose(found["eigen_cam"]["rank"], -1 / 35)
    same = measure_maps(
        {"grad_cam": maps["grad_cam"], "hires_cam": 2 * maps["grad_cam"]},
        lambda f: -np.ones(len(f)),
        np.zeros((COUNT, SIDE, SIDE), np.uint8),
    )
    np.testing.assert_allclose(same["hires_cam"]["rank"], 1)
    np.testing.assert_allclose(same["hires_cam"]["ssim"], 1, atol=1e-6)


def test_a_set_without_masks_is_measured_by_what_remains(maps, films):
    left = measure_maps(maps, brightness_of_the_spot, films)
    assert CEILING not in left
    for values in left.values():
        assert not {"pointing", "energy", "iou", "best_iou", "lungs"} & set(values)
        assert {"border", "corners", "empty", "outside_body"} < set(values)


def test_films_are_spread_over_those_called_pneumonia():
    called = np.arange(100) % 2 == 1
    chosen = choose_evenly(called, 16)
    assert len(set(chosen)) == 16
    assert called[chosen].all()
    assert (chosen[0], chosen[-1]) == (1, 99)
    assert np.ptp(np.diff(chosen)) <= 2
    assert choose_evenly(called, 80).tolist() == np.flatnonzero(called).tolist()
    assert choose_evenly(np.zeros(5, bool), 16).tolist() == []


def test_faithfulness_stops_at_its_share_of_films():
    count = SCORED_FILMS + 5
    maps = {name: np.ones((count, 2, 2), np.float32) for name in ("grad_cam", "centre")}
    left = measure_maps(maps, lambda films: np.ones(len(films)), np.zeros((count, 16, 16), np.uint8))
    assert np.isfinite(left["centre"]["deletion"]).sum() == SCORED_FILMS


def test_no_films_are_no_trouble():
    empty = {"grad_cam": np.zeros((0, 2, 2), np.float32), "centre": np.zeros((0, 2, 2), np.float32)}
    left = measure_maps(empty, lambda films: np.zeros(len(films)), np.zeros((0, 16, 16), np.uint8))
    assert json_values(left["centre"])["deletion"] == []


def test_listed_values_are_ready_for_json():
    assert json_values({"a": np.array([0.12345, np.nan, 1])}) == {"a": [0.123, None, 1.0]}
    assert measures.DIGITS == 3
