"""Division with a value for zero divisors."""

import numpy as np


def ratio(above: np.ndarray, below: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """Divide element by element, without a warning.

    Args:
        above: (…) dividends.
        below: (…) divisors, 0 or more, in a shape that broadcasts with `above`.
        empty: Result of a division by 0.

    Returns:
        (…) float64.
    """
    shape = np.broadcast_shapes(np.shape(above), np.shape(below))
    return np.divide(above, below, out=np.full(shape, empty, np.float64), where=np.greater(below, 0))
