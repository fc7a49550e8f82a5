"""Maps brought to other resolutions, and kept."""

import numpy as np
import pytest

from pneumo_tf.explain.maps import downsample, kept_grid, pack_maps, unpack_maps

RANDOM = np.random.default_rng(0).random((5, 16, 32)).astype(np.float32)


def test_a_coarser_cell_is_the_mean_of_its_cells():
    expected = RANDOM.reshape(5, 8, 2, 8, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(downsample(RANDOM, (8, 8)), expected, rtol=1e-5)
    mask = np.zeros((1, 4, 4), bool)
    mask[0, :3, :2] = True
    np.testing.assert_allclose(downsample(mask, (2, 2)), [[[1, 0], [0.5, 0]]])


@pytest.mark.parametrize("grid", [(4, 4), (7, 7), (16, 32)])
def test_kept_maps_come_back_by_their_largest_value(grid):
    maps = downsample(RANDOM, grid)
    texts = pack_maps(maps)
    back = unpack_maps(texts, grid)
    low = downsample(maps, kept_grid(grid))
    assert back.shape == (5, min(grid[0], 8), min(grid[1], 8))
    np.testing.assert_allclose(back / 255, low / low.max(axis=(1, 2), keepdims=True), atol=0.5 / 255 + 1e-6)
    assert len(texts[0]) == 2 * back[0].size


def test_an_empty_map_stays_empty_and_no_map_is_none():
    assert not unpack_maps(pack_maps(np.zeros((2, 4, 4), np.float32)), (4, 4)).any()
    assert unpack_maps(pack_maps(np.zeros((0, 4, 4), np.float32)), (4, 4)).shape == (0, 4, 4)
