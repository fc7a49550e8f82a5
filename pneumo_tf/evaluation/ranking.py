"""What a ranking can say: tiers of rows that are not told apart, and the ranks that chance allows."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import LEVEL


def tiers(significant: np.ndarray) -> list[int]:
    """Groups ranked rows: a row opens a tier where it differs significantly from the head of the last one.

    Args:
        significant: (k, k) bool, rows in the order of the ranking.

    Returns:
        The tier of each row, from 1.
    """
    given, head = [], 0
    for row in range(len(significant)):
        if row and significant[head, row]:
            head = row
        given.append(given[-1] + (head == row) if given else 1)
    return given


def rank_intervals(draws: Sequence[np.ndarray], level: float = LEVEL) -> list[tuple[int, int]]:
    """The central interval of each row's rank over replicates that all rows share.

    Args:
        draws: For each row its (r,) replicates; nan ranks last.
        level: Coverage.
    """
    if not draws:
        return []
    values = np.nan_to_num(np.stack(draws), nan=-np.inf)
    # In blocks, so that a board of thousands of rows needs no second table of its size.
    blocks = np.array_split(values, max(1, values.size // 2_000_000), axis=1)
    ranks = np.concatenate([_ranks(block) for block in blocks], axis=1)
    ranks.sort(axis=1)
    last = ranks.shape[1] - 1
    low, high = int(np.floor(last * (1 - level) / 2)), int(np.ceil(last * (1 + level) / 2))
    return [(int(row[low]), int(row[high])) for row in ranks]


def _ranks(values: np.ndarray) -> np.ndarray:
    """(k, r) int32: ranks of the rows in each replicate, from 1; equal values in the order given."""
    order = np.argsort(-values, axis=0, kind="stable")
    ranks = np.empty(values.shape, np.int32)
    np.put_along_axis(ranks, order, np.arange(1, len(values) + 1, dtype=np.int32)[:, None], axis=0)
    return ranks
