"""Compact letter display: rows that share a letter were not shown to differ (Piepho 2004)."""

from collections.abc import Iterable
from string import ascii_letters

import numpy as np


def assign_letters(significant: np.ndarray) -> list[str] | None:
    """Assign letters to rows, so that two rows share one exactly if they do not differ significantly.

    Each letter stands for a largest possible group of rows of which no two differ. Groups start with one of
    all rows. A row that differs from others in its group splits it: into the group without that row, and that
    without these others (insert). A group inside another is left out (absorb).

    Args:
        significant: (k, k) bool, symmetric: True if the rows of a pair differ significantly.

    Returns:
        Letters of each row, a–z and A–Z; groups have letters in the order of their rows. None if there are
        more groups than letters, at the end or on the way.

    Reference: H.-P. Piepho, An algorithm for a letter-based representation of all-pairwise comparisons, J.
        Comput. Graph. Stat. 13, 2004.
    """
    rows = range(len(significant))
    groups = [frozenset(rows)] if rows else []
    for row in rows:
        differing = frozenset(np.flatnonzero(significant[row]).tolist())
        split = [group for group in groups if row in group and group & differing]
        whole = [group for group in groups if not (row in group and group & differing)]
        parts = [part for group in split for part in (group - {row}, group - differing)]
        groups = whole + _absorb(parts, whole)
        if len(groups) > len(ascii_letters):
            return None
    groups.sort(key=sorted)
    return [
        "".join(letter for letter, group in zip(ascii_letters, groups, strict=False) if row in group)
        for row in rows
    ]


def abbreviate_letters(letters: str) -> str:
    """Return letters with each run of three or more as a range: `a–dfg` for `abcdfg`."""
    runs: list[str] = []
    for letter in letters:
        follows = runs and ascii_letters.index(letter) == ascii_letters.index(runs[-1][-1]) + 1
        if follows:
            runs[-1] += letter
        else:
            runs.append(letter)
    return "".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else run for run in runs)


def _absorb(parts: Iterable[frozenset[int]], whole: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Return the new groups that lie inside no other group, each once."""
    found: list[frozenset[int]] = []
    for part in sorted(set(parts), key=len, reverse=True):
        if not any(part <= other for other in (*found, *whole)):
            found.append(part)
    return found
