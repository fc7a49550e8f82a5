"""The compact letter display, against groups found by trying every set of rows."""

from itertools import combinations
from string import ascii_letters

import numpy as np
import pytest

from pneumo_tf.evaluation.letters import abbreviate_letters, assign_letters


def differ(rows, *pairs):
    significant = np.zeros((rows, rows), bool)
    for one, other in pairs:
        significant[one, other] = significant[other, one] = True
    return significant


def largest_groups(significant):
    """Every set of rows without a differing pair that no row can join."""
    rows = range(len(significant))
    alike = [
        set(group)
        for size in range(1, len(significant) + 1)
        for group in combinations(rows, size)
        if not any(significant[pair] for pair in combinations(group, 2))
    ]
    return [group for group in alike if not any(group < other for other in alike)]


def groups_of(letters):
    found = {}
    for row, text in enumerate(letters):
        for letter in text:
            found.setdefault(letter, set()).add(row)
    return found


def test_a_chain_of_neighbours_has_a_letter_for_each_pair():
    assert assign_letters(differ(3, (0, 2))) == ["a", "ab", "b"]
    assert assign_letters(differ(4, (0, 2), (0, 3), (1, 3))) == ["a", "ab", "bc", "c"]


def test_rows_that_all_differ_share_nothing_and_rows_that_do_not_share_all():
    assert assign_letters(~np.eye(3, dtype=bool)) == ["a", "b", "c"]
    assert assign_letters(differ(3)) == ["a", "a", "a"]
    assert assign_letters(differ(0)) == []


@pytest.mark.parametrize("seed", range(30))
def test_letters_are_the_largest_groups_without_a_difference(seed):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 9))
    pairs = [pair for pair in combinations(range(rows), 2) if rng.random() < rng.uniform(0.1, 0.9)]
    significant = differ(rows, *pairs)
    letters = assign_letters(significant)
    groups = groups_of(letters)
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, largest_groups(significant)))
    for one, other in combinations(range(rows), 2):
        shared = any({one, other} <= group for group in groups.values())
        assert shared != significant[one, other]


def test_there_are_52_letters():
    assert "".join(assign_letters(~np.eye(52, dtype=bool))) == ascii_letters
    assert assign_letters(~np.eye(53, dtype=bool)) is None


def test_a_thousand_rows_have_too_many_groups_and_this_is_found_early():
    values = np.random.default_rng(0).normal(size=1000)
    assert assign_letters(abs(values[:, None] - values) > 0.1) is None


@pytest.mark.parametrize(
    ("letters", "short"), [("a", "a"), ("ab", "ab"), ("abc", "a–c"), ("abcdfgyzAB", "a–dfgy–B"), ("", "")]
)
def test_neighbouring_letters_are_a_range(letters, short):
    assert abbreviate_letters(letters) == short
