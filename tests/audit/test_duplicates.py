"""Planted duplicates are found, and nothing else is."""

import numpy as np
import pytest

from pneumo_tf.audit.chapters import duplicates as chapter
from pneumo_tf.audit.chapters.duplicates import (
    compute_difference_hashes,
    correlate,
    find_exact_groups,
    find_near_groups,
    find_near_pairs,
)
from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.data.datasets.phantom.entry import PHANTOM
from pneumo_tf.data.datasets.phantom.spec import PhantomSpec
from pneumo_tf.data.datasets.phantom.writer import write_phantom
from tests.audit.planted import Planted


def names(groups):
    return [[film.id for film in group.films] for group in groups]


def test_a_clean_set_has_none(clean):
    assert find_exact_groups(clean) == find_near_groups(clean) == []
    assert not chapter.describe_duplicates(clean).care and not chapter.describe_duplicates(clean).drawings


def test_identical_files_are_found_in_any_folder(planted):
    first, second = planted.ids("train/PNEUMONIA")[:2]
    same_patient = planted.copy(first, first.replace(".jpeg", "9.jpeg"))
    in_test = planted.copy(second, "test/PNEUMONIA/person900_virus_1.jpeg")
    as_normal = planted.copy(second, "train/NORMAL/IM-0901-0001.jpeg")
    decoded = decode_set(planted.root)
    groups = find_exact_groups(decoded)
    assert {frozenset(group) for group in names(groups)} == {
        frozenset([first, same_patient]),
        frozenset([second, in_test, as_normal]),
    }
    found = {len(g.films): (g.crosses_splits, g.crosses_classes, g.crosses_patients) for g in groups}
    assert found == {2: (False, False, False), 3: (True, True, True)}
    assert find_near_groups(decoded) == []
    written = chapter.describe_duplicates(decoded)
    assert len(written.care) == 2
    assert [drawing.shows_films for drawing in written.drawings] == [True]


def test_the_same_picture_in_another_file_is_found(tmp_path):
    """Compressed again, shrunk and brightened; a few in a hundred of such films are missed."""
    spec = PhantomSpec(seed=2, train=(14, 8, 6), val=(0, 0, 0), test=(6, 4, 4), side=224)
    planted = Planted(PHANTOM.read(write_phantom(spec, tmp_path / "phantom")), tmp_path / "films")
    ids = planted.ids("train/NORMAL")
    copies = {
        planted.recompress(film, f"test/NORMAL/IM-09{i:02}-0001.jpeg"): film for i, film in enumerate(ids)
    }
    planted.copy(ids[0], "train/NORMAL/IM-0990-0001.jpeg")
    decoded = decode_set(planted.root)
    near = find_near_groups(decoded)
    assert len(near) >= 12
    assert all(copies[group.films[0].id] == group.films[1].id for group in near)
    assert all(group.crosses_splits for group in near)
    assert [len(group.films) for group in find_exact_groups(decoded)] == [2]
    assert "train and in test" in chapter.describe_duplicates(decoded).care[0]


def test_pairs_across_blocks_are_those_of_every_pair():
    rng = np.random.default_rng(0)
    steps = rng.integers(0, 255, (600, 16, 17), np.uint8)
    grid = rng.integers(0, 255, (600, 64, 64), np.uint8)
    for one, other in ((3, 5), (10, 590), (255, 256), (300, 599)):
        steps[other], grid[other] = steps[one], grid[one]
    steps[[100, 400]] = steps[100]  # The same hash, another picture.
    grid[[200, 500]] = 7  # One grey: no correlation.
    steps[[200, 500]] = 7
    pairs = find_near_pairs(compute_difference_hashes(steps), grid)
    assert pairs.tolist() == [[3, 5], [10, 590], [255, 256], [300, 599]]


@pytest.mark.parametrize(("bits", "one_picture"), [(8, True), (9, False)])
def test_hash_and_correlation_decide_together(bits, one_picture):
    grid = np.tile(np.random.default_rng(2).integers(0, 255, (1, 64, 64), np.uint8), (2, 1, 1))
    hashes = np.array([[0, 0, 0, 0], [2**bits - 1, 0, 0, 0]], np.uint64)
    assert (len(find_near_pairs(hashes, grid)) == 1) == one_picture


def test_hashes_hold_the_sign_of_every_step():
    steps = np.zeros((2, 16, 17), np.uint8)
    steps[1, :, 1::2] = 9
    assert [sum(np.bitwise_count(words)) for words in compute_difference_hashes(steps)] == [0, 128]


def test_correlation_is_pearsons():
    one, other = np.random.default_rng(1).integers(0, 255, (2, 8, 8), np.uint8)
    assert np.isclose(correlate(one, other), np.corrcoef(one.ravel(), other.ravel())[0, 1])
    assert np.isclose(correlate(one, 255 - one), -1)
