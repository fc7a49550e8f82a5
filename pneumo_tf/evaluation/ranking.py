"""Uncertainty of a ranking: tiers of rows that do not differ significantly, and intervals of ranks."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from pneumo_tf.evaluation.intervals import INTERVAL_LEVEL


def assign_tiers(significant: np.ndarray) -> list[int]:
    """Assign ranked rows to tiers; a row that differs significantly from a tier's first row starts the next.

    Args:
        significant: (k, k) bool, rows in the order of the ranking.

    Returns:
        Tier of each row, from 1.
    """
    found, first = [], 0
    for row in range(len(significant)):
        if row and significant[first, row]:
            first = row
        found.append(found[-1] + (first == row) if found else 1)
    return found


def rank_intervals(replicates: Sequence[np.ndarray], level: float = INTERVAL_LEVEL) -> list[tuple[int, int]]:
    """Return the central interval of each row's rank over shared replicates.

    Args:
        replicates: (r,) replicates of each of k rows, higher is better; nan ranks last, and ties rank in the
            order of the rows.
        level: Coverage, in 0–1.

    Returns:
        Lowest and highest rank of each row, from 1.
    """
    if not replicates:
        return []
    values = np.nan_to_num(np.stack(replicates), nan=-np.inf)
    ranks = np.sort(rankdata(-values, method="ordinal", axis=0), axis=1)
    last = ranks.shape[1] - 1
    low, high = int(np.floor(last * (1 - level) / 2)), int(np.ceil(last * (1 + level) / 2))
    return [(int(row[low]), int(row[high])) for row in ranks]
